using Tersor.Onnx;

namespace Tersor.Training.Losses;

/// <summary>Whether an output holds shares of 1 by how it is computed, where its logits cannot be reached: a Sigmoid or a Softmax in the branches of an If, or followed by arithmetic that keeps it within 0 and 1.</summary>
internal static class ShareOutput
{
    private const int Farthest = 50;

    /// <summary>The operator that makes shares of it, or null: nothing says that it holds any, and what it holds are logits or other numbers.</summary>
    public static string? Closing(Value value, int depth = 0)
    {
        if (depth > Farthest || value.Producer is not { } node)
            return null;
        if (node.Is("Sigmoid", "HardSigmoid"))
            return "Sigmoid";
        if (node.Is("Softmax"))
            return "Softmax";
        if (node.Is("If"))
            return Common(node.Bodies.Select(b => b.Outputs[value.ProducerIndex]), depth);
        if (node.Is("Clip"))
            return Number(node, 1, "min") is >= 0 && Number(node, 2, "max") is <= 1 ? "Sigmoid" : null;
        if (node.Is("Sub") && node.Input(0)?.Tensor is { Length: 1 } one && one.ToFloats()[0] == 1)
            return Closing(node.Inputs[1]!, depth + 1);
        if (node.Is("Mul", "Max", "Min", "Concat"))
            return Common(node.Inputs.OfType<Value>(), depth);
        return node.Is("Identity", "Cast", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Gather", "Split", "QuantizeLinear", "DequantizeLinear", "ReduceMean", "ReduceMax", "ReduceMin", "GlobalAveragePool", "GlobalMaxPool", "AveragePool", "MaxPool", "Resize")
            && node.Input(0) is { } source ? Closing(source, depth + 1) : null;
    }

    private static string? Common(IEnumerable<Value> values, int depth)
    {
        string?[] closings = [.. values.Select(v => Closing(v, depth + 1)).Distinct()];
        return closings is [var only] ? only : closings.Contains(null) ? null : "Sigmoid";
    }

    private static float? Number(Node node, int index, string attribute) => node.Input(index)?.Tensor is { Length: 1 } limit ? limit.ToFloats()[0] : node.Attributes.ContainsKey(attribute) ? node.Float(attribute, float.NaN) : null;
}
