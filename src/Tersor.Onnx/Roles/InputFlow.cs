namespace Tersor.Onnx.Roles;

/// <summary>Which values are the model's input, prepared: converted, cut, turned, scaled by constants, and computed with by no layer yet.</summary>
internal sealed class InputFlow(ConstantFlow constants)
{
    private readonly Dictionary<Value, bool> known = [];

    /// <summary>Whether a constant operand of an elementwise operator prepares the input.</summary>
    /// <param name="node">The operator.</param>
    /// <param name="index">Which of its inputs the constant is.</param>
    /// <param name="operand">What it sees of the constant.</param>
    public bool IsPreparedBy(Node node, int index, ConstantOperand operand) => IsElementwise(node) && node.Inputs.Where((_, i) => i != index).OfType<Value>().ToArray() is { Length: > 0 } others
        && others.All(o => IsInput(o) || constants.IsConstant(o)) && others.Any(IsInput) && !LooksLikePositions(others.First(IsInput), operand);

    private bool IsInput(Value value)
    {
        if (known.TryGetValue(value, out bool answer))
            return answer;
        known[value] = false;
        return known[value] = value is { IsGraphInput: true, IsInitializer: false, Graph.IsMain: true } || value.Producer is { } node && IsPreparation(node) && node.Inputs[0] is not null && PreparesInput(node);
    }

    private bool PreparesInput(Node node) => !IsNormalization(node) && (IsElementwise(node) || node.Is("Concat")
        ? node.Inputs.OfType<Value>().ToArray() is var operands && operands.All(o => constants.IsConstant(o) || IsInput(o)) && operands.Any(IsInput)
        : IsInput(node.Inputs[0]!));

    /// <summary>Whether a node divides by the size of what it divides, as LayerNormalization and RMSNormalization do where they are written out: a layer, with a scale and shift to be learned. Preparation divides by constants.</summary>
    private static bool IsNormalization(Node node) => node.Is("Div") && node.Input(1) is { } divisor && IsSize(divisor) || node.Is("Mul") && node.Inputs.OfType<Value>().Any(IsSize);

    /// <summary>Whether a value is the root of a mean or a sum over something, or 1 over it.</summary>
    private static bool IsSize(Value value)
    {
        bool rooted = false;
        for (Node? node = value.Producer; node is not null; node = node.Is("Div") && node.Input(0)?.Tensor is not null ? node.Input(1)?.Producer : node.Input(0)?.Producer)
        {
            if (node.Is("ReduceMean", "ReduceSum", "ReduceSumSquare", "ReduceL2"))
                return rooted || node.Is("ReduceL2");
            if (!node.Is("Sqrt", "Pow", "Reciprocal", "Div", "Add", "Max", "Clip", "Cast", "Identity", "Expand"))
                return false;
            rooted |= node.Is("Sqrt", "Pow", "Reciprocal");
        }
        return false;
    }

    private static bool IsPreparation(Node node) => IsElementwise(node) || ConstantOperand.IsTransparent(node)
        || node.Is("Slice", "Split", "Gather", "Concat", "Expand", "Tile", "Pad", "Resize", "Upsample", "Clip", "SpaceToDepth", "Sqrt", "Log", "Exp", "Abs", "Neg", "ReduceMean", "QuantizeLinear", "DequantizeLinear");

    private static bool IsElementwise(Node node) => node.Is("Add", "Sub", "Mul", "Div", "Pow", "Max", "Min");

    /// <summary>Features of a sequence, [samples, positions, features], to which one number for each position and feature is added: a learned table, and no mean of pictures.</summary>
    private static bool LooksLikePositions(Value input, ConstantOperand operand) => operand.Shape.Count(d => d > 1) == 2 && operand.Rank is 2 or 3
        && (Source(input).Type?.AsTensor is not { ElementType: var type, Shape: { Length: var rank } } || type.IsFloat() && rank == 3);

    private static Value Source(Value value)
    {
        while (value.Producer is { } node && node.Input(0) is { } before)
            value = before;
        return value;
    }
}
