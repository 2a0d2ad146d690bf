using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Writes nodes before a node that is about to go.</summary>
internal static class Emission
{
    /// <summary>A node with one output, whose name is taken from the output it stands for.</summary>
    public static Value Put(this Node before, string opType, ReadOnlySpan<Value?> inputs, params ReadOnlySpan<(string Name, NodeAttribute Value)> attributes)
    {
        Node node = before.Graph.InsertBefore(before, opType, inputs, [before.Outputs[0]!.Name]);
        foreach ((string name, NodeAttribute value) in attributes)
            node.SetAttribute(name, value);
        return node.Outputs[0]!;
    }

    /// <summary>The value times a number; the value itself when that is 1.</summary>
    public static Value Scaled(this Node before, Value value, double scale) =>
        Scalars.Near(scale, 1) ? value : before.Put("Mul", [value, before.Number(scale)]);

    /// <summary>A new constant number.</summary>
    public static Value Number(this Node before, double value) => Constants.Add(before, $"{before.Outputs[0]!.Name}/number", Tensor.Scalar((float)value));
}
