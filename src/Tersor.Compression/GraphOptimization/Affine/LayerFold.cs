using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Moves s · x + t into a layer's weight and bias. All sums and products in double, rounded once.</summary>
/// <remarks>Behind the layer: W' = s W, b' = s b + t by output channel. Before it: W' = W s by input channel, b' = b + Σ W t.</remarks>
internal static class LayerFold
{
    /// <summary>layer(x) · s + t becomes layer'(x). Both have one element an output channel.</summary>
    public static void Behind(LinearLayer layer, double[] scale, double[] shift)
    {
        Func<long, long> channel = layer.OutputChannel();
        double[] weight = layer.Weight.Constant!.ToDoubles();
        for (long i = 0; i < weight.Length; i++)
            weight[i] *= scale[channel(i)];
        double[] bias = Bias(layer);
        for (int c = 0; c < bias.Length; c++)
            bias[c] = bias[c] * scale[c] + shift[c];
        Store(layer, weight, bias, needsBias: layer.Bias is not null || shift.Any(t => t != 0));
    }

    /// <summary>layer(x · s + t) becomes layer'(x). Both have one element an input channel.</summary>
    public static void Before(LinearLayer layer, double[] scale, double[] shift)
    {
        Func<long, long> input = layer.InputChannel(), output = layer.OutputChannel();
        double[] weight = layer.Weight.Constant!.ToDoubles();
        double[] bias = Bias(layer);
        double alpha = layer.Node.OpType == "Gemm" ? layer.Node.Float("alpha", 1) : 1;
        for (long i = 0; i < weight.Length; i++)
        {
            bias[output(i)] += alpha * weight[i] * shift[input(i)];
            weight[i] *= scale[input(i)];
        }
        Store(layer, weight, bias, needsBias: layer.Bias is not null || shift.Any(t => t != 0));
    }

    /// <summary>The bias by output channel, Gemm's beta applied, zeros where there is none; null where it does not depend on the channel alone.</summary>
    public static double[]? TryBias(LinearLayer layer)
    {
        if (layer.Bias?.Constant is not { } tensor)
            return new double[layer.Outputs];
        if (layer.Node.OpType != "Gemm")
            return tensor.Length == layer.Outputs ? tensor.ToDoubles() : null;
        double beta = layer.Node.Float("beta", 1);
        return Coefficients.Of(tensor).Along(2, -1, layer.Outputs) is { } bias ? Array.ConvertAll(bias, b => b * beta) : null;
    }

    private static double[] Bias(LinearLayer layer) => (double[])TryBias(layer)!.Clone();

    private static void Store(LinearLayer layer, double[] weight, double[] bias, bool needsBias)
    {
        Tensor old = layer.Weight.Constant!;
        Constants.Replace(layer.Node, 1, Round(weight, old.Type, [.. old.Shape]));
        if (!needsBias)
            return;
        Tensor tensor = Round(bias, old.Type, [bias.Length]);
        if (layer.Node.OpType == "Gemm" && layer.Node.Float("beta", 1) != 1)
            layer.Node.RemoveAttribute("beta");
        if (layer.Bias is null)
            layer.Node.SetInput(2, Constants.Add(layer.Node, $"{layer.Output.Name}/bias", tensor));
        else
            Constants.Replace(layer.Node, 2, tensor);
    }

    public static Tensor Round(double[] values, ElementType type, ReadOnlySpan<long> shape) =>
        type == ElementType.Float64 ? Tensor.Create(shape, values) : Tensor.Create(shape, Array.ConvertAll(values, v => (float)v));
}
