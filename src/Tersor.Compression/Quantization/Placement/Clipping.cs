using Tersor.Onnx;

namespace Tersor.Compression.Quantization.Placement;

/// <summary>What a Relu or a Clip whose ends hold 0 keeps of its input.</summary>
/// <param name="Low">Lower end, 0 or less.</param>
/// <param name="High">Upper end, 0 or more; null when there is none.</param>
internal readonly record struct Clipping(double Low, double? High)
{
    /// <summary>Reads a node as one; null when its ends are not constant or do not hold 0.</summary>
    public static Clipping? Of(Node node)
    {
        if (node.Is("Relu"))
            return new(0, null);
        if (!node.Is("Clip"))
            return null;
        float? low = End(node, 1), high = End(node, 2);
        return low is <= 0 and > float.NegativeInfinity && high is null or > 0 ? new(low.Value, high) : null;
    }

    private static float? End(Node node, int input) => node.Input(input) is not { } value ? null : value.Constant?.ToFloats() is [float end] ? end : float.NaN;
}
