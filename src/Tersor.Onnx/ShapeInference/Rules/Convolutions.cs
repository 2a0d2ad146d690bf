namespace Tersor.Onnx.Inference.Rules;

/// <summary>Windows sliding over [N, C, spatial...].</summary>
internal static class Convolutions
{
    public static void Conv(NodeFacts n)
    {
        int weightAt = n.Node.OpType == "QLinearConv" ? 3 : 1;
        ElementType element = n.Node.OpType switch { "QLinearConv" => n.Element(7), "ConvInteger" => ElementType.Int32, _ => n.Element(0) };
        Dimension[]? x = n.Shape(0), w = n.Shape(weightAt);
        int? rank = x?.Length ?? w?.Length;
        if (rank is null or < 3)
        {
            n.Set(0, element, null);
            return;
        }
        Dimension[] kernel = n.Ints("kernel_shape") is { } stated ? [.. stated.Select(k => (Dimension)k)] : w is not null ? w[2..] : Dims.Of(rank.Value - 2);
        Dimension[] result = Dims.Of(rank.Value);
        result[0] = x?[0] ?? Dims.Unknown;
        result[1] = w?[0] ?? Dims.Unknown;
        Slide(n, x, kernel, ceil: null).CopyTo(result, 2);
        n.Set(0, element, result);
    }

    public static void Pool(NodeFacts n)
    {
        Dimension[]? shape = null;
        if (n.Shape(0) is { Length: > 2 } x && n.Ints("kernel_shape") is { } kernel)
            shape = [x[0], x[1], .. Slide(n, x, [.. kernel.Select(k => (Dimension)k)], n.Int("ceil_mode", 0) != 0)];
        n.Set(0, n.Element(0), shape);
        n.Set(1, ElementType.Int64, shape);
    }

    public static void GlobalPool(NodeFacts n) => n.Set(0, n.Element(0), n.Shape(0) is { Length: > 1 } x ? [x[0], x[1], .. x[2..].Select(_ => (Dimension)1)] : null);

    public static void ConvTranspose(NodeFacts n)
    {
        if (n.Shape(0) is not { Length: > 2 } x)
        {
            n.Set(0, n.Element(0), null);
            return;
        }
        Dimension[]? w = n.Shape(1);
        int axes = x.Length - 2;
        Dimension[] result = Dims.Of(x.Length);
        result[0] = x[0];
        result[1] = w is null ? Dims.Unknown : Dims.Mul(w[1], n.Int("group", 1));
        long[]? stated = n.Ints("output_shape"), kernel = n.Ints("kernel_shape"), pads = n.Ints("pads"), extra = n.Ints("output_padding"), strides = n.Ints("strides"), dilations = n.Ints("dilations");
        string pad = n.Text("auto_pad") ?? "NOTSET";
        for (int i = 0; i < axes; i++)
        {
            long stride = strides?[i] ?? 1;
            if (stated is not null)
                result[i + 2] = stated[^(axes - i)];
            else if (x[i + 2].Size is { } size && (kernel?[i] ?? w?[i + 2].Size) is { } k)
            {
                long unpadded = checked(stride * (size - 1) + (extra?[i] ?? 0) + (k - 1) * (dilations?[i] ?? 1) + 1);
                result[i + 2] = pad.StartsWith("SAME", StringComparison.Ordinal) ? Math.Min(unpadded, stride * size)
                    : unpadded - (pad == "VALID" ? 0 : (pads?[i] ?? 0) + (pads?[i + axes] ?? 0));
            }
        }
        n.Set(0, n.Element(0), result);
    }

    public static void RoiAlign(NodeFacts n) =>
        n.Set(0, n.Element(0), [n.Shape(1)?[0] ?? Dims.Unknown, n.Shape(0)?[1] ?? Dims.Unknown, n.Int("output_height", 1), n.Int("output_width", 1)]);

    public static void GridSample(NodeFacts n) => n.Set(0, n.Element(0), n.Shape(0) is { Length: > 2 } x && n.Shape(1) is { } grid && grid.Length == x.Length ? [x[0], x[1], .. grid[1..^1]] : null);

    /// <summary>How many windows fit along each spatial axis; <paramref name="ceil"/> is null for convolutions, which know no such mode.</summary>
    private static Dimension[] Slide(NodeFacts n, Dimension[]? x, Dimension[] kernel, bool? ceil)
    {
        long[]? strides = n.Ints("strides"), dilations = n.Ints("dilations"), pads = n.Ints("pads");
        string pad = n.Text("auto_pad") ?? "NOTSET";
        Dimension[] result = Dims.Of(kernel.Length);
        for (int i = 0; x is not null && i < kernel.Length; i++)
        {
            long stride = strides?[i] ?? 1;
            if (stride < 1)
                throw new ArgumentException("A stride is below 1.");
            if (pad.StartsWith("SAME", StringComparison.Ordinal))
            {
                if (!ceil.HasValue || dilations is null || dilations[i] == 1)
                    result[i] = stride == 1 ? x[i + 2] : x[i + 2].Size is { } whole ? Dims.CeilDiv(whole, stride) : Dims.Unknown;
                else if (x[i + 2].Size is { } spread && kernel[i].Size is { } window)
                {
                    // ONNX Runtime pads (or, with stride above size, trims) for a pooling window as if it had no holes.
                    long padding = (Dims.CeilDiv(spread, stride) - 1) * stride + window - spread;
                    result[i] = Count(spread, padding, 0, (window - 1) * dilations[i] + 1, stride, ceil.Value);
                }
                continue;
            }
            if (kernel[i].Size is not { } k)
                continue;
            long before = pad == "VALID" ? 0 : pads?[i] ?? 0, after = pad == "VALID" ? 0 : pads?[i + kernel.Length] ?? 0, reach = (k - 1) * (dilations?[i] ?? 1) + 1;
            if (stride == 1 && before + after == reach - 1)
            {
                result[i] = x[i + 2];
                continue;
            }
            if (x[i + 2].Size is not { } size)
                continue;
            result[i] = Count(size, before, after, reach, stride, ceil ?? false);
        }
        return result;
    }

    private static long Count(long size, long before, long after, long reach, long stride, bool ceil)
    {
        long room = checked(size + before + after - reach);
        if (room < 0)
            throw new ArgumentException("The window is larger than the input.");
        long count = (ceil ? Dims.CeilDiv(room, stride) : room / stride) + 1;
        // A window that would start in the padding behind the input is left out.
        return ceil && (count - 1) * stride >= size + before ? count - 1 : count;
    }
}
