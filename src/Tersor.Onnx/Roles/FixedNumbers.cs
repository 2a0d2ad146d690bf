namespace Tersor.Onnx.Roles;

/// <summary>Constants that stand where learned numbers may stand and are none: what a formula is written with, as its form or its numbers show.</summary>
internal static class FixedNumbers
{
    /// <summary>Whether an operand that is multiplied or added, or a kernel, is part of a formula.</summary>
    /// <param name="node">The operator that reads it.</param>
    /// <param name="index">Which input it is.</param>
    /// <param name="operand">What the operator sees of it.</param>
    public static bool IsPartOfFormula(Node node, int index, ConstantOperand operand) =>
        IsRotation(node) || IsStandardization(node, index) || IsExpectation(node, operand) || IsGrid(node, operand);

    /// <summary>Cosine or sine of rotary positions: x · cos + (x with halves or neighbours exchanged, one negated) · sin.</summary>
    /// <remarks>Source: Su et al. 2021, arXiv:2104.09864, section 3.4.2.</remarks>
    private static bool IsRotation(Node node)
    {
        if (!node.Is("Mul") || node.Output(0) is not { Uses: [{ Node: var sum }] } product || !sum.Is("Add") || sum.Inputs.FirstOrDefault(i => !ReferenceEquals(i, product))?.Producer is not { } other || !other.Is("Mul"))
            return false;
        return node.Inputs.Concat(other.Inputs).OfType<Value>().Any(v => IsExchanged(v, node.Inputs.Concat(other.Inputs)));
    }

    private static bool IsExchanged(Value value, IEnumerable<Value?> sources)
    {
        Node? node = value.Producer;
        while (node is not null && node.Is("Flatten", "Reshape", "Squeeze", "Unsqueeze", "Cast"))
            node = node.Input(0)?.Producer;
        return node is not null && node.Is("Concat") && node.Inputs.Any(i => i?.Producer?.Is("Neg") == true) && node.Inputs.OfType<Value>().All(i => Sliced(i) is { } source && sources.Contains(source));
    }

    /// <summary>What a value is a part of.</summary>
    private static Value? Sliced(Value value)
    {
        for (Node? node = value.Producer; node is not null; node = node.Input(0)?.Producer)
        {
            if (node.Is("Slice", "Split", "Gather"))
                return node.Input(0);
            if (!node.Is("Neg", "Unsqueeze", "Squeeze", "Reshape", "Cast"))
                return null;
        }
        return null;
    }

    /// <summary>Mean and deviation that features are standardized with: (x - mean) / deviation. What is learned is multiplied and added.</summary>
    private static bool IsStandardization(Node node, int index) => node.Is("Sub") && index == 1 && node.Output(0) is { IsGraphOutput: false, Uses: [{ Node: var divided, Index: 0 }] } && divided.Is("Div") && divided.Input(1)?.Tensor is { Length: > 1 };

    /// <summary>0, 1, 2 ... behind a Softmax: the expected place of a distribution, as detectors give distances.</summary>
    /// <remarks>Source: Li et al. 2020, arXiv:2006.04388, section 3.1.</remarks>
    private static bool IsExpectation(Node node, ConstantOperand operand) => node.Is("Conv", "MatMul", "Gemm", "Mul") && operand.Constant.Tensor is { Length: > 1 } tensor && tensor.Length == operand.Shape.Max() && BehindSoftmax(node)
        && tensor.ToDoubles().Select((v, i) => v == i).All(same => same);

    private static bool BehindSoftmax(Node node)
    {
        for (Node? before = node.Input(0)?.Producer; before is not null; before = before.Input(0)?.Producer)
        {
            if (before.Is("Softmax"))
                return true;
            if (!ConstantOperand.IsTransparent(before))
                return false;
        }
        return false;
    }

    /// <summary>Places of a grid and its steps, along the last axis, halves and whole numbers, that only arithmetic follows: the boxes of a detector.</summary>
    private static bool IsGrid(Node node, ConstantOperand operand) => node.Is("Add", "Sub", "Mul", "Div") && operand.Constant.Tensor is { Length: > 1 } tensor && operand.Shape[^1] > 1
        && OnlyArithmeticFollows(node) && tensor.ToDoubles() is var numbers && numbers.All(v => v * 2 == Math.Truncate(v * 2) && Math.Abs(v) < 1 << 20) && (numbers.Distinct().Count() > 2 || numbers.Any(v => Math.Abs(v) > 1));

    private static bool OnlyArithmeticFollows(Node node)
    {
        HashSet<Node> seen = [node];
        Queue<Node> open = new(seen);
        while (open.TryDequeue(out Node? at))
        {
            foreach (Use use in at.Outputs.OfType<Value>().SelectMany(o => o.Uses))
            {
                if (!use.Node.Is("Add", "Sub", "Mul", "Div", "Concat", "Slice", "Split", "Gather", "Clip", "Max", "Min", "Cast", "Pow", "Exp", "Sqrt") && !ConstantOperand.IsTransparent(use.Node))
                    return false;
                if (seen.Add(use.Node))
                    open.Enqueue(use.Node);
            }
        }
        return true;
    }
}
