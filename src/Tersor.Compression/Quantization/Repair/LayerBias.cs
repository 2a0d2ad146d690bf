using Tersor.Compression.GraphOptimization;
using Tersor.Onnx;

namespace Tersor.Compression.Quantization.Repair;

/// <summary>Where a constant may be added to a layer's output channels: its bias, or an Add behind a MatMul.</summary>
internal static class LayerBias
{
    /// <summary>Why nothing can be added without a new node; null when it can.</summary>
    public static string? Obstacle(LinearLayer layer) =>
        layer.TakesBias ? LayerFold.TryBias(layer) is null ? "its bias is not one number an output channel" : null
        : Addition(layer) is null ? "it has no bias, and no addition of one follows" : null;

    /// <summary>Adds one value an output channel.</summary>
    public static void Add(LinearLayer layer, double[] values)
    {
        if (layer.TakesBias)
        {
            LayerFold.Behind(layer, [.. Enumerable.Repeat(1.0, values.Length)], values);
            return;
        }
        (Node node, int index, double[] old) = Addition(layer)!.Value;
        Constants.Replace(node, index, LayerFold.Round([.. old.Zip(values, (a, b) => a + b)], node.Inputs[index]!.Constant!.Type, [values.Length]));
    }

    private static (Node Node, int Input, double[] Values)? Addition(LinearLayer layer)
    {
        if (!Rewire.HasOneReader(layer.Output) || layer.Output.Uses[0].Node is not { } node || !node.Is("Add") || !ReferenceEquals(node.Graph, layer.Node.Graph))
            return null;
        // One row only: a constant of more dimensions would widen the result.
        return AffineNode.Of(node, out _) is { } affine && affine.Shift.Along(null, -1, layer.Outputs) is { } values ? (node, ReferenceEquals(node.Inputs[0], affine.Input) ? 1 : 0, values) : null;
    }
}
