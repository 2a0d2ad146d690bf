using Tersor.Onnx;

namespace Tersor.Compression.Quantization.Repair;

/// <summary>Which elements of a layer's input make one place of its output: the rows of the matrix product the layer amounts to.</summary>
/// <remarks>A patch has input channels times kernel elements, in the weight's order; padding gives zeros. A MatMul's or Gemm's patch is a row of its input.</remarks>
internal sealed class PatchGeometry
{
    private readonly long[] kernel, strides, dilations;
    private readonly string padding;
    private readonly long[]? pads;
    private readonly bool isConvolution;

    /// <param name="node">Conv, MatMul or Gemm.</param>
    /// <param name="weightShape">Shape of its weight.</param>
    public PatchGeometry(Node node, ReadOnlySpan<long> weightShape)
    {
        isConvolution = node.Is("Conv");
        kernel = isConvolution ? [.. weightShape[2..]] : [];
        strides = node.Ints("strides") ?? [.. kernel.Select(_ => 1L)];
        dilations = node.Ints("dilations") ?? [.. kernel.Select(_ => 1L)];
        pads = node.Ints("pads");
        padding = node.Text("auto_pad") ?? "NOTSET";
    }

    /// <summary>Number of output places of an input of this shape; 0 where the shape does not fit.</summary>
    public long Places(ReadOnlySpan<long> shape)
    {
        if (!isConvolution)
            return shape.Length == 0 ? 0 : Tensor.ElementCount(shape[..^1]);
        if (shape.Length != kernel.Length + 2)
            return 0;
        long places = shape[0];
        for (int d = 0; d < kernel.Length; d++)
            places *= Math.Max(0, Extent(shape, d).Size);
        return places;
    }

    /// <summary>Copies the patch of one output place.</summary>
    /// <param name="input">Row-major elements of <paramref name="shape"/>.</param>
    /// <param name="shape">[N, C, spatial...], or [..., K].</param>
    /// <param name="place">0 .. <see cref="Places"/> − 1, row-major.</param>
    /// <param name="patch">As long as a patch is.</param>
    public void Copy(ReadOnlySpan<float> input, ReadOnlySpan<long> shape, long place, Span<float> patch)
    {
        if (!isConvolution)
        {
            input.Slice(checked((int)(place * shape[^1])), (int)shape[^1]).CopyTo(patch);
            return;
        }
        int rank = kernel.Length;
        Span<long> origin = stackalloc long[rank];
        for (int d = rank - 1; d >= 0; d--)
        {
            (long size, long begin) = Extent(shape, d);
            origin[d] = place % size * strides[d] - begin;
            place /= size;
        }
        int plane = (int)Tensor.ElementCount(shape[2..]), channels = (int)shape[1], taps = (int)Tensor.ElementCount(kernel);
        for (int tap = 0; tap < taps; tap++)
        {
            long rest = tap, offset = 0, stride = 1;
            bool inside = true;
            for (int d = rank - 1; d >= 0; d--)
            {
                long at = origin[d] + rest % kernel[d] * dilations[d];
                rest /= kernel[d];
                inside &= at >= 0 && at < shape[d + 2];
                offset += at * stride;
                stride *= shape[d + 2];
            }
            for (int c = 0; c < channels; c++)
                patch[c * taps + tap] = inside ? input[(int)((place * channels + c) * plane + offset)] : 0;
        }
    }

    /// <summary>Output size along a spatial dimension, and padding at its beginning.</summary>
    private (long Size, long Begin) Extent(ReadOnlySpan<long> shape, int d)
    {
        long size = shape[d + 2], reach = (kernel[d] - 1) * dilations[d] + 1;
        if (padding is "SAME_UPPER" or "SAME_LOWER")
        {
            long output = (size + strides[d] - 1) / strides[d], total = Math.Max(0, (output - 1) * strides[d] + reach - size);
            return (output, padding == "SAME_UPPER" ? total / 2 : total - total / 2);
        }
        (long begin, long end) = padding == "NOTSET" && pads is not null ? (pads[d], pads[d + kernel.Length]) : (0, 0);
        return ((size + begin + end - reach) / strides[d] + 1, begin);
    }
}
