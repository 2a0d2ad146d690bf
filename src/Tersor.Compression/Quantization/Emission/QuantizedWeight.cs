using Tersor.Onnx;

namespace Tersor.Compression.Quantization.Emission;

/// <summary>A layer's weight and bias as integers.</summary>
/// <param name="Integers">Int8, in the shape of the weight.</param>
/// <param name="Scales">One an output channel, or a single one.</param>
/// <param name="ZeroPoint">The integer that stands for 0.0, the same for all channels.</param>
/// <param name="Axis">The output channels' axis of the weight as it is stored.</param>
internal sealed record QuantizedWeight(Tensor Integers, float[] Scales, sbyte ZeroPoint, int Axis)
{
    /// <summary>The output channels' axis of the weight of a Conv, Gemm or MatMul as it is stored.</summary>
    public static int OutputAxis(Node node) => node.Is("Conv") || node.Int("transB", 0) != 0 ? 0 : 1;

    /// <summary>Quantizes the weight of a layer.</summary>
    /// <param name="node">A Conv, Gemm or MatMul with a constant Float32 weight.</param>
    /// <param name="layer">Name of its first output, by which scales are looked up.</param>
    /// <param name="numbers">Format, and scales chosen otherwise.</param>
    /// <param name="bias">Float bias by output channel, or null; scales are raised where it would not fit 32 bits.</param>
    /// <param name="inputScale">Scale of the input.</param>
    public static QuantizedWeight Of(Node node, string layer, StaticNumbers numbers, ReadOnlySpan<float> bias, float inputScale)
    {
        NumberFormat format = numbers.Format;
        Tensor weight = node.Inputs[1]!.Constant!;
        int axis = OutputAxis(node);
        if (format.AsymmetricWeights)
        {
            ReadOnlySpan<float> values = weight.Span<float>();
            QuantizationParameters parameters = QuantizationParameters.FromRange(System.Numerics.Tensors.TensorPrimitives.Min(values), System.Numerics.Tensors.TensorPrimitives.Max(values), ElementType.Int8);
            return new(parameters.Quantize(weight), [parameters.Scale], (sbyte)parameters.ZeroPoint, axis);
        }
        bool perTensor = format.Weights is Granularity.PerTensor;
        Tensor rows = perTensor ? weight.Reshape(1, weight.Length) : weight;
        float[] scales = numbers.WeightScales.TryGetValue(layer, out float[]? chosen) ? [.. chosen] : WeightQuantizer.Scales(rows, perTensor ? 0 : axis, format.WeightLimit);
        WeightQuantizer.FitBias(bias, inputScale, scales);
        Tensor integers = WeightQuantizer.Quantize(rows, perTensor ? 0 : axis, scales, format.WeightLimit);
        return new(integers.Reshape(weight.Shape.AsSpan()), scales, 0, axis);
    }

    /// <summary>Scale of one output channel.</summary>
    public float Scale(int channel) => Scales.Length == 1 ? Scales[0] : Scales[channel];
}
