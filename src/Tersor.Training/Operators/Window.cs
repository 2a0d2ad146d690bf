namespace Tersor.Training.Operators;

/// <summary>How a kernel slides over the spatial axes: one number an axis in every array.</summary>
internal sealed record Window(long[] Kernel, long[] Strides, long[] Dilations, long[] Begins, long[] Ends)
{
    /// <summary>Both ends of every axis are padded alike.</summary>
    public bool IsSymmetric => Begins.AsSpan().SequenceEqual(Ends);

    /// <summary>Whether neighbours in a window are neighbours in the tensor.</summary>
    public bool IsDense => Dilations.All(d => d == 1);

    /// <summary>Spatial axes.</summary>
    public int Rank => Kernel.Length;

    /// <summary>The window a node's attributes give.</summary>
    /// <param name="call">The node.</param>
    /// <param name="shape">Of its first input, [N, C, ...].</param>
    /// <param name="kernel">Size of the kernel; null: the attribute.</param>
    public static Window Of(OperatorCall call, long[] shape, long[]? kernel = null)
    {
        string padding = call.Node.Text("auto_pad") ?? "NOTSET";
        return padding.StartsWith("SAME", StringComparison.Ordinal) ? Make(call, shape, kernel, padding) : call.Once("window", () => Make(call, shape, kernel, padding));
    }

    /// <summary>Elements of an axis that a window covers, gaps included.</summary>
    public long Extent(int axis) => (Kernel[axis] - 1) * Dilations[axis] + 1;

    /// <summary>How many windows an axis has.</summary>
    /// <param name="axis">Spatial axis.</param>
    /// <param name="length">Its length, without padding.</param>
    /// <param name="ceiling">Whether a last window may reach beyond the padding; one that would begin there is left out.</param>
    public long Count(int axis, long length, bool ceiling = false)
    {
        long room = length + Begins[axis] + Ends[axis] - Extent(axis), stride = Strides[axis];
        if (!ceiling)
            return Math.Max(room / stride + 1, 0);
        long count = (room + stride - 1) / stride + 1;
        return (count - 1) * stride >= length + Begins[axis] ? count - 1 : count;
    }

    private static Window Make(OperatorCall call, long[] shape, long[]? kernel, string padding)
    {
        kernel ??= call.Node.Ints("kernel_shape") ?? throw call.Bad("has no kernel_shape");
        int rank = kernel.Length;
        if (shape.Length != rank + 2)
            throw call.Bad($"has a kernel of {rank} axes, and an input of rank {shape.Length}");
        long[] strides = call.Node.Ints("strides") ?? Steps.Repeat(1, rank), dilations = call.Node.Ints("dilations") ?? Steps.Repeat(1, rank);
        long[] pads = padding == "NOTSET" ? call.Node.Ints("pads") ?? new long[2 * rank] : new long[2 * rank];
        Window window = new(kernel, strides, dilations, pads[..rank], pads[rank..]);
        if (!padding.StartsWith("SAME", StringComparison.Ordinal))
            return window;
        long[] begins = new long[rank], ends = new long[rank];
        for (int i = 0; i < rank; i++)
        {
            long length = shape[i + 2], count = (length + strides[i] - 1) / strides[i];
            long total = Math.Max((count - 1) * strides[i] + window.Extent(i) - length, 0), less = total / 2;
            (begins[i], ends[i]) = padding == "SAME_LOWER" ? (total - less, less) : (less, total - less);
        }
        return window with { Begins = begins, Ends = ends };
    }
}
