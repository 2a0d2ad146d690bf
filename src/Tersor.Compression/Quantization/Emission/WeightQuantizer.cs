using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using Tensor = Tersor.Onnx.Tensor;

namespace Tersor.Compression.Quantization.Emission;

/// <summary>Weights as symmetric signed 8-bit integers, one scale an output channel: w ≈ scale[c] · q, q in −127..127.</summary>
/// <remarks>Source: Krishnamoorthi 2018, arXiv:1806.08342, sections 2.2 and 2.6.</remarks>
public static class WeightQuantizer
{
    /// <summary>Largest magnitude of a quantized weight: −128 is left out, so that the range is symmetric.</summary>
    public const int Limit = 127;

    /// <summary>What weights became, as long as somebody holds it: the models of a search differ in few layers, and share the integers of all others.</summary>
    private static readonly ConditionalWeakTable<Tensor, List<Quantized>> Known = [];

    private readonly record struct Quantized(int Axis, int Limit, float[] Scales, WeakReference<Tensor> Integers);

    /// <summary>One scale for each index of <paramref name="axis"/>: the channel's largest magnitude over <paramref name="limit"/>; 1 for a channel of zeros.</summary>
    /// <param name="weight">Float32, any rank.</param>
    /// <param name="axis">0..rank-1.</param>
    /// <param name="limit">Largest magnitude of an integer: 127 for 8 bits.</param>
    public static float[] Scales(Tensor weight, int axis, int limit = Limit)
    {
        (int outer, int channels, int inner) = Split(weight, axis);
        ReadOnlySpan<float> values = weight.Span<float>();
        float[] largest = new float[channels];
        for (int o = 0; o < outer; o++)
        {
            if (inner == 1)
            {
                ReadOnlySpan<float> row = values.Slice(o * channels, channels);
                TensorPrimitives.MaxMagnitude(row, largest, largest);
                continue;
            }
            for (int c = 0; c < channels; c++)
                largest[c] = Math.Max(largest[c], MathF.Abs(TensorPrimitives.MaxMagnitude(values.Slice((o * channels + c) * inner, inner))));
        }
        return Array.ConvertAll(largest, v => float.IsNormal(MathF.Abs(v) / limit) ? MathF.Abs(v) / limit : 1f);
    }

    /// <summary>The integers: clamp(round(w / scale[c]), −limit, limit), ties to even.</summary>
    /// <param name="weight">Float32, any rank.</param>
    /// <param name="axis">0..rank-1.</param>
    /// <param name="scales">One positive scale for each index of the axis.</param>
    /// <param name="limit">Largest magnitude of an integer: 127 for 8 bits.</param>
    public static Tensor Quantize(Tensor weight, int axis, float[] scales, int limit = Limit)
    {
        List<Quantized> known = Known.GetOrCreateValue(weight);
        lock (known)
        {
            known.RemoveAll(k => !k.Integers.TryGetTarget(out _));
            foreach (Quantized made in known)
            {
                if (made.Axis == axis && made.Limit == limit && made.Scales.AsSpan().SequenceEqual(scales) && made.Integers.TryGetTarget(out Tensor? integers))
                    return integers;
            }
            Tensor quantized = Round(weight, axis, scales, limit);
            known.Add(new(axis, limit, [.. scales], new(quantized)));
            return quantized;
        }
    }

    private static Tensor Round(Tensor weight, int axis, float[] scales, int limit)
    {
        (int outer, int channels, int inner) = Split(weight, axis);
        ReadOnlySpan<float> values = weight.Span<float>();
        sbyte[] result = new sbyte[values.Length];
        for (int o = 0; o < outer; o++)
        {
            for (int c = 0; c < channels; c++)
            {
                int start = (o * channels + c) * inner;
                for (int i = start; i < start + inner; i++)
                    result[i] = (sbyte)Math.Clamp(MathF.Round(values[i] / scales[c], MidpointRounding.ToEven), -limit, limit);
            }
        }
        return Tensor.Create(weight.Shape.AsSpan(), result);
    }

    /// <summary>Integers of few bits in few bits.</summary>
    /// <param name="integers">Int8.</param>
    /// <param name="storage">Int8, Int4 or Int2.</param>
    internal static Tensor Packed(Tensor integers, Onnx.ElementType storage) => storage == Onnx.ElementType.Int8 ? integers
        : Tensor.FromPacked(storage, integers.Shape.AsSpan(), Array.ConvertAll(integers.Span<sbyte>().ToArray(), q => (int)q));

    /// <summary>Biases as 32-bit integers under scale input · weight[c]; a single weight scale stands for all channels.</summary>
    /// <returns>Null when a bias does not fit 32 bits under that scale.</returns>
    public static int[]? QuantizeBias(ReadOnlySpan<float> bias, float inputScale, float[] weightScales)
    {
        int[] result = new int[bias.Length];
        for (int c = 0; c < bias.Length; c++)
        {
            double q = Math.Round(bias[c] / ((double)inputScale * weightScales[weightScales.Length == 1 ? 0 : c]), MidpointRounding.ToEven);
            if (!(Math.Abs(q) <= int.MaxValue))
                return null;
            result[c] = (int)q;
        }
        return result;
    }

    /// <summary>Raises weight scales where a channel's bias would otherwise not fit 32 bits under scale input · weight[c].</summary>
    public static void FitBias(ReadOnlySpan<float> bias, float inputScale, float[] weightScales)
    {
        for (int c = 0; c < bias.Length; c++)
        {
            double needed = Math.Abs((double)bias[c]) / inputScale / (int.MaxValue / 2);
            int at = weightScales.Length == 1 ? 0 : c;
            if (needed > weightScales[at])
                weightScales[at] = (float)needed;
        }
    }

    /// <summary>False when a Float32 tensor holds NaN or an infinity, for which there is no integer.</summary>
    internal static bool IsFinite(Tensor tensor) => tensor.Length == 0 || float.IsFinite(TensorPrimitives.MaxMagnitude(tensor.Span<float>()));

    private static (int Outer, int Channels, int Inner) Split(Tensor weight, int axis)
    {
        int outer = 1, inner = 1;
        for (int i = 0; i < weight.Rank; i++)
        {
            if (i < axis)
                outer *= (int)weight.Shape[i];
            else if (i > axis)
                inner *= (int)weight.Shape[i];
        }
        return (outer, (int)weight.Shape[axis], inner);
    }
}
