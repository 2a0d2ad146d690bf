namespace Tersor.Onnx.Roles;

/// <summary>What ends an output: whether it holds shares of 1, of what kind, and where the logits in front of them are. The one service that answers it: for losses, for metrics, and for comparing two versions of a model.</summary>
/// <remarks>Softmax is recognized where it is written out, e^x / Σ e^x with or without the largest x taken off first, and as e^log-softmax.</remarks>
/// <param name="Output">The output.</param>
/// <param name="Logits">What stands in front of the operator that ends it; the output itself where nothing is looked through.</param>
/// <param name="Closing">That operator, whose input can be reached: Softmax, LogSoftmax or Sigmoid; null where there is none.</param>
/// <param name="Axis">The axis of the classes of a Softmax or LogSoftmax, counted at that operator; null where that is not told.</param>
/// <param name="IsMoved">Whether places are others than behind that operator: a Reshape or Squeeze follows it.</param>
public sealed record OutputEnding(Value Output, Value Logits, string? Closing, int? Axis, bool IsMoved)
{
    /// <summary>Nodes that are looked at between an output and what makes shares of it.</summary>
    private const int Farthest = 50;

    /// <summary>What shares of 1 are made by, Softmax or Sigmoid, whether their logits can be reached or not; null where nothing says that the output holds any.</summary>
    public string? Shares => Closing == "LogSoftmax" ? null : Closing ?? MakerOf(Output);

    /// <summary>Looks through what ends a model.</summary>
    /// <param name="output">The output.</param>
    /// <param name="keepsNumbers">Further nodes that give what they are given, but for rounding; null: none.</param>
    public static OutputEnding Of(Value output, Func<Node, bool>? keepsNumbers = null)
    {
        Value value = output;
        bool moved = false;
        for (int i = 0; i < Farthest && value.Producer is { } node; i++)
        {
            if (Squashing(node, value) is { } closing)
                return new(output, closing.Logits, closing.Name, closing.Axis, moved);
            if (node.Input(0) is not { } source || !(KeepsNumbers(node) || keepsNumbers?.Invoke(node) == true))
                break;
            moved |= node.Is("Reshape", "Flatten", "Squeeze", "Unsqueeze");
            value = source;
        }
        return new(output, output, null, null, false);
    }

    /// <summary>Whether a node changes neither the order of numbers nor, but for rounding, the numbers; what keeps shares from 0 and 1 by a little does not count either.</summary>
    private static bool KeepsNumbers(Node node) => node.Is("Identity", "Cast", "QuantizeLinear", "DequantizeLinear", "Reshape", "Flatten", "Squeeze", "Unsqueeze")
        || node.Is("Clip") && (node.Input(0)?.Producer?.Is("QuantizeLinear") == true || IsWithinShares(node) && node.Input(0) is { } clipped && MakerOf(clipped) is not null);

    private static (string Name, Value Logits, int? Axis)? Squashing(Node node, Value value)
    {
        if (node.Is("Sigmoid") && node.Input(0) is { } argument)
            return ("Sigmoid", argument, null);
        if (node.Is("Softmax", "LogSoftmax") && node.Input(0) is { } logits)
            return (node.OpType, logits, AxisOf(node));
        return Written(node) is { } written ? ("Softmax", written.Logits, written.Axis) : null;
    }

    /// <summary>A Softmax in several nodes.</summary>
    private static (Value Logits, int? Axis)? Written(Node node)
    {
        if (node.Is("Exp") && node.Input(0)?.Producer is { } log && log.Is("LogSoftmax") && log.Input(0) is { } logits)
            return (logits, AxisOf(log));
        if (!node.Is("Div") || node.Input(0) is not { Producer: { } exp } powers || !exp.Is("Exp") || node.Input(1)?.Producer is not { } sum || !sum.Is("ReduceSum") || !ReferenceEquals(sum.Input(0), powers)
            || sum.Int("keepdims", 1) == 0 || ReducedAxis(sum) is not { } axis || exp.Input(0) is not { } exponent)
            return null;
        return exponent.Producer is { } shift && shift.Is("Sub") && shift.Input(1)?.Producer is { } max && max.Is("ReduceMax") && ReferenceEquals(max.Input(0), shift.Input(0)) && shift.Input(0) is { } unshifted
            ? (unshifted, axis) : (exponent, axis);
    }

    private static int AxisOf(Node node) => (int)node.Int("axis", node.OpsetVersion < 13 ? 1 : -1);

    /// <summary>The one axis that is reduced.</summary>
    private static int? ReducedAxis(Node node) => node.Attributes.GetValueOrDefault("axes") is NodeAttribute.Ints { Values: [var only] } ? (int)only
        : node.Input(1)?.Tensor is { Length: 1 } axes && axes.Type.IsInteger() ? (int)axes.ToInt64s()[0] : null;

    /// <summary>The operator that makes shares of a value by how it is computed: also in the branches of an If, and followed by arithmetic that keeps it within 0 and 1.</summary>
    private static string? MakerOf(Value value) => MakerOf(value, []);

    /// <param name="value">The value.</param>
    /// <param name="known">Answers so far, so that each node is looked at once.</param>
    private static string? MakerOf(Value value, Dictionary<Value, string?> known)
    {
        if (known.TryGetValue(value, out string? answer))
            return answer;
        known[value] = null;
        return known[value] = value.Producer is { } node && known.Count <= Farthest ? MakerOf(node, value, known) : null;
    }

    private static string? MakerOf(Node node, Value value, Dictionary<Value, string?> known)
    {
        if (node.Is("Sigmoid", "HardSigmoid"))
            return "Sigmoid";
        if (node.Is("Softmax") || Written(node) is not null)
            return "Softmax";
        if (node.Is("If"))
            return Common(node.Bodies.Select(b => b.Outputs[value.ProducerIndex]), known);
        if (node.Is("Clip"))
            return IsWithinShares(node) ? (node.Input(0) is { } clipped ? MakerOf(clipped, known) : null) ?? "Sigmoid" : null;
        if (node.Is("Sub") && node.Input(0)?.Tensor is { Length: 1 } one && one.ToFloats()[0] == 1)
            return node.Input(1) is { } other ? MakerOf(other, known) : null;
        if (MeanOf(node) is { } averaged)
            return Common(averaged, known);
        if (node.Is("Mul", "Max", "Min", "Concat"))
            return Common(node.Inputs.OfType<Value>(), known);
        return node.Is("Identity", "Cast", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Gather", "Split", "QuantizeLinear", "DequantizeLinear", "ReduceMean", "ReduceMax", "ReduceMin", "GlobalAveragePool", "GlobalMaxPool", "AveragePool", "MaxPool", "Resize")
            && node.Input(0) is { } source ? MakerOf(source, known) : null;
    }

    /// <summary>What a node is the mean of: a Mean, or a sum of n values times 1 / n.</summary>
    private static IEnumerable<Value>? MeanOf(Node node)
    {
        if (node.Is("Mean"))
            return node.Inputs.OfType<Value>();
        if (!node.Is("Mul", "Div"))
            return null;
        for (int i = node.Is("Div") ? 1 : 0; i < 2; i++)
        {
            if (node.Input(i)?.Tensor is { Length: 1 } number && number.Type.IsFloat() && node.Input(1 - i) is { Producer: { } sum } && sum.Is("Add", "Sum") && Terms(sum).ToArray() is var terms
                && Math.Abs((node.Is("Div") ? 1 / number.ToDoubles()[0] : number.ToDoubles()[0]) * terms.Length - 1) < 1e-5)
                return terms;
        }
        return null;
    }

    /// <summary>What a tree of sums adds up; at most so many that each may be looked at.</summary>
    private static IEnumerable<Value> Terms(Node sum)
    {
        Stack<Value> open = new(sum.Inputs.OfType<Value>());
        for (int i = 0; i < Farthest && open.TryPop(out Value? term); i++)
        {
            if (term.Producer is not { } inner || !inner.Is("Add", "Sum"))
            {
                yield return term;
                continue;
            }
            foreach (Value part in inner.Inputs.OfType<Value>())
                open.Push(part);
        }
    }

    private static string? Common(IEnumerable<Value> values, Dictionary<Value, string?> known)
    {
        string?[] makers = [.. values.Select(v => MakerOf(v, known)).Distinct()];
        return makers is [var only] ? only : makers.Contains(null) ? null : "Sigmoid";
    }

    private static bool IsWithinShares(Node clip) => Limit(clip, 1, "min") is >= 0 && Limit(clip, 2, "max") is <= 1;

    private static float? Limit(Node node, int index, string attribute) => node.Input(index)?.Tensor is { Length: 1 } limit ? limit.ToFloats()[0] : node.Attributes.ContainsKey(attribute) ? node.Float(attribute, float.NaN) : null;
}
