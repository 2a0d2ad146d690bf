using Tersor.Compression.GraphOptimization;
using Tersor.Onnx;

namespace Tersor.Compression.Quantization.Repair;

/// <summary>Values that can be divided by one positive scale a channel without changing what the model computes: what makes them is divided, the layers that read them are multiplied.</summary>
/// <remarks>In between stand only operators that commute with a positive scale of each channel: f(s x) = s f(x).</remarks>
internal sealed class ScalingGroup(long channels)
{
    /// <summary>Number of channels, and of scales.</summary>
    public long Channels { get; } = channels;

    /// <summary>Layers that make the values: their output channels are divided.</summary>
    public List<LinearLayer> Sources { get; } = [];

    /// <summary>Constants that are divided: scales and shifts of normalizations, and additions in between. Each with the axis, from the end, along which its reader has the channels.</summary>
    public List<(Node Node, int Input, int Axis, bool Inverse)> Constants { get; } = [];

    /// <summary>Layers that read the values: their input channels are multiplied. Behind Flatten a channel is several neighbouring inputs.</summary>
    public List<LinearLayer> Sinks { get; } = [];

    /// <summary>True where a scale or normalization makes values too, so that the scales are free on that side.</summary>
    public bool HasFreeSource { get; set; }

    /// <summary>Makes the change. Exact up to one rounding of each constant.</summary>
    /// <param name="scales">One positive finite scale a channel.</param>
    public void Apply(double[] scales)
    {
        double[] inverse = Array.ConvertAll(scales, s => 1 / s);
        foreach (LinearLayer source in Sources)
            LayerFold.Behind(source, inverse, new double[scales.Length]);
        foreach (LinearLayer sink in Sinks)
            LayerFold.Before(sink, Spread(scales, sink.Inputs), new double[sink.Inputs]);
        foreach ((Node node, int input, int axis, bool isDivisor) in Constants)
            Multiply(node, input, axis, isDivisor ? scales : inverse);
    }

    /// <summary>One value an input of a sink: inputs i · k .. (i + 1) · k − 1 belong to channel i.</summary>
    public static double[] Spread(double[] values, long inputs)
    {
        long block = inputs / values.Length;
        return block == 1 ? values : [.. Enumerable.Range(0, checked((int)inputs)).Select(i => values[i / block])];
    }

    private static void Multiply(Node node, int input, int axis, double[] factors)
    {
        Tensor tensor = node.Inputs[input]!.Constant!;
        double[] values = Coefficients.Of(tensor).Along(tensor.Rank, tensor.Rank == 0 ? -1 : axis, factors.Length)!;
        long[] shape = tensor.Length == factors.Length ? [.. tensor.Shape] : [factors.Length, .. Enumerable.Repeat(1L, -axis - 1)];
        GraphOptimization.Constants.Replace(node, input, LayerFold.Round([.. values.Zip(factors, (v, f) => v * f)], tensor.Type, shape));
    }
}
