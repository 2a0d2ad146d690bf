using Tersor.Compression.Quantization.Emission;
using Tersor.Onnx;

namespace Tersor.Compression.Quantization.Storage;

/// <summary>A weight as symmetric integers with scales beside them: w ≈ scale · q.</summary>
/// <param name="Integers">Int8 whatever the bits, in the weight's shape.</param>
/// <param name="Scales">One for each index of <paramref name="Axis"/>, or a single one.</param>
/// <param name="Axis">The axis of the weight that has one scale an index; null: one scale for the whole weight.</param>
internal sealed record StoredWeight(Tensor Integers, float[] Scales, int? Axis)
{
    /// <summary>Quantizes a weight.</summary>
    /// <param name="weight">Float32 and finite.</param>
    /// <param name="axis">The axis with one scale an index; null: one scale in all.</param>
    /// <param name="bits">2..8.</param>
    public static StoredWeight Of(Tensor weight, int? axis, int bits)
    {
        int limit = (1 << (bits - 1)) - 1;
        Tensor rows = axis is null ? weight.Reshape(1, weight.Length) : weight;
        int length = (int)(weight.Length / Math.Max(1, rows.Shape[axis ?? 0]));
        float[] scales = ScaleSearch.Best(ChannelRows(rows, axis ?? 0), length, WeightQuantizer.Scales(rows, axis ?? 0, limit), limit);
        return new(WeightQuantizer.Quantize(rows, axis ?? 0, scales, limit).Reshape(weight.Shape.AsSpan()), scales, axis);
    }

    /// <summary>Shape of the scales where they multiply the weight: 1 along every axis but their own.</summary>
    public long[] ScaleShape => [.. Integers.Shape.Select((size, i) => i == Axis ? size : 1L)];

    /// <summary>Bytes of integers and scales.</summary>
    public static long Bytes(Tensor weight, int? axis, ElementType storage) => storage.ByteLength(weight.Length) + sizeof(float) * (axis is { } known ? weight.Shape[known] : 1);

    /// <summary>Σ (w − scale · q)².</summary>
    public double SquaredError(Tensor weight)
    {
        ReadOnlySpan<float> exact = weight.Span<float>();
        ReadOnlySpan<sbyte> integers = Integers.Span<sbyte>();
        double sum = 0;
        for (int i = 0; i < exact.Length; i++)
        {
            double error = exact[i] - (double)ScaleAt(i) * integers[i];
            sum += error * error;
        }
        return sum;
    }

    /// <summary>Single precision puts an element that was rounded away from its nearest integer a little beyond a whole step.</summary>
    private const double WholeStep = 1.001;

    /// <summary>True where no element is further than a step from the weight: these integers are a rounding of it, to the nearest or otherwise.</summary>
    public bool IsRoundingOf(Tensor weight)
    {
        ReadOnlySpan<float> exact = weight.Span<float>();
        ReadOnlySpan<sbyte> integers = Integers.Span<sbyte>();
        for (int i = 0; i < exact.Length; i++)
        {
            float scale = ScaleAt(i);
            if (!(Math.Abs(exact[i] - (double)scale * integers[i]) <= WholeStep * scale))
                return false;
        }
        return true;
    }

    /// <summary>A matrix the other way round.</summary>
    public StoredWeight Transposed() => new(Transpose(Integers), Scales, 1 - Axis);

    /// <summary>[rows, columns] → [columns, rows], of 8-bit integers.</summary>
    public static Tensor Transpose(Tensor matrix)
    {
        int rows = (int)matrix.Shape[0], columns = (int)matrix.Shape[1];
        ReadOnlySpan<sbyte> source = matrix.Span<sbyte>();
        sbyte[] result = new sbyte[source.Length];
        for (int r = 0; r < rows; r++)
        {
            for (int c = 0; c < columns; c++)
                result[c * rows + r] = source[r * columns + c];
        }
        return Tensor.Create([columns, rows], result);
    }

    private float ScaleAt(int element)
    {
        if (Axis is not { } axis)
            return Scales[0];
        long inner = Tensor.ElementCount(Integers.Shape.AsSpan()[(axis + 1)..]);
        return Scales[(int)(element / inner % Integers.Shape[axis])];
    }

    /// <summary>The elements of each index of an axis side by side: [channels, the rest].</summary>
    private static float[] ChannelRows(Tensor weight, int axis)
    {
        ReadOnlySpan<float> source = weight.Span<float>();
        int channels = (int)weight.Shape[axis], inner = (int)Tensor.ElementCount(weight.Shape.AsSpan()[(axis + 1)..]);
        int outer = source.Length / Math.Max(1, channels * inner), row = outer * inner;
        float[] rows = new float[source.Length];
        for (int o = 0; o < outer; o++)
        {
            for (int c = 0; c < channels; c++)
                source.Slice((o * channels + c) * inner, inner).CopyTo(rows.AsSpan(c * row + o * inner));
        }
        return rows;
    }
}
