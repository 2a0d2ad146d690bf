using static Tersor.Training.Operators.Steps;
using static TorchSharp.torch;

namespace Tersor.Training.Operators;

/// <summary>Convolutions that are not one call of libtorch, and the reverse of cutting an image into blocks.</summary>
internal static class SpecialConvolutions
{
    public static IEnumerable<OperatorRow> Rows =>
    [
        new("CausalConvWithState", 27, Scoped(Causal)),
        new("CausalConvWithState", 1, Scoped(Causal)) { Domain = "com.microsoft" },
        new("Col2Im", 18, Scoped(ToImage)),
        new("DeformConv", 19, Scoped(Deformable)),
    ];

    private static OperatorResult Causal(OperatorCall call)
    {
        Tensor x = Wide(call[0]), weight = Wide(call[1]);
        long before = weight.shape[2] - 1;
        if (weight.ndim != 3 || call.Node.Int("state_window", 0) != 0)
            throw call.Unsupported("a causal convolution over several axes or with several states");
        Tensor whole = call.Optional(3) is { } past ? cat([Wide(past), x], 2) : nn.functional.pad(x, [before, 0]);
        Tensor y = nn.functional.conv1d(whole, weight, call.Optional(2) is { } bias ? Wide(bias) : null, groups: weight.shape[0]);
        if (call.Node.Text("activation") is "silu" or "swish")
            y = y.silu();
        return (As(y, call[0].dtype), As(whole.narrow(2, whole.shape[2] - before, before), call[0].dtype).alias());
    }

    private static OperatorResult ToImage(OperatorCall call)
    {
        Tensor columns = call[0];
        long[] image = call.Longs(1), block = call.Longs(2);
        int rank = image.Length;
        long[] pads = call.Node.Ints("pads") ?? new long[2 * rank];
        Window window = new(block, call.Node.Ints("strides") ?? Repeat(1, rank), call.Node.Ints("dilations") ?? Repeat(1, rank), pads[..rank], pads[rank..]);
        long[] padded = [.. image.Select((length, i) => length + pads[i] + pads[i + rank])];
        // Where every element of every block lies in the padded image: [element of the block, block].
        Tensor places = zeros([1, 1], ScalarType.Int64);
        for (int i = 0; i < rank; i++)
        {
            Tensor element = arange(block[i], ScalarType.Int64) * window.Dilations[i], start = arange(window.Count(i, image[i]), ScalarType.Int64) * window.Strides[i];
            Tensor here = element.unsqueeze(1) + start;
            places = (places.reshape(places.shape[0], 1, places.shape[1], 1) * padded[i] + here.reshape(1, here.shape[0], 1, here.shape[1])).reshape(places.shape[0] * here.shape[0], -1);
        }
        long[] shape = columns.shape;
        Tensor flat = columns.reshape(shape[0] * shape[1] / Product(block), -1);
        Tensor y = zeros([flat.shape[0], Product(padded)], columns.dtype).index_add(1, places.reshape(-1), flat, 1);
        return nn.functional.pad(y.reshape([shape[0], shape[1] / Product(block), .. padded]), TorchPads([.. window.Begins.Select(b => -b)], [.. window.Ends.Select(e => -e)]));
    }

    /// <summary>Source: Dai et al. 2017, arXiv:1703.06211, and Zhu et al. 2018, arXiv:1811.11168 for the mask; ONNX DeformConv-19 for the layout.</summary>
    private static OperatorResult Deformable(OperatorCall call)
    {
        Tensor x = Wide(call[0]), weight = Wide(call[1]), offset = Wide(call[2]);
        long[] shape = x.shape, kernel = weight.shape[2..];
        if (kernel.Length != 2)
            throw call.Unsupported($"a deformable convolution over {kernel.Length} axes");
        Window window = Window.Of(call, shape, kernel);
        long groups = call.Node.Int("group", 1), moved = call.Node.Int("offset_group", 1);
        long batch = shape[0], height = shape[2], width = shape[3], rows = window.Count(0, height), columns = window.Count(1, width), taps = kernel[0] * kernel[1];
        offset = offset.reshape(batch, moved, taps, 2, rows * columns);
        Tensor y = offset.select(3, 0) + Regular(0, rows).reshape(kernel[0], 1, rows, 1).expand(kernel[0], kernel[1], rows, columns).reshape(taps, rows * columns);
        Tensor at = offset.select(3, 1) + Regular(1, columns).reshape(1, kernel[1], 1, columns).expand(kernel[0], kernel[1], rows, columns).reshape(taps, rows * columns);
        Tensor image = x.reshape(batch, moved, shape[1] / moved, height * width);
        Tensor top = y.floor(), left = at.floor();
        Tensor? sampled = null;
        foreach ((int down, int right) in ((int, int)[])[(0, 0), (0, 1), (1, 0), (1, 1)])
        {
            Tensor row = top + down, column = left + right;
            Tensor share = Near(y - top, down) * Near(at - left, right); // not 1 − |distance|: where an offset is zero, as offsets are at first, that has no slope
            Tensor inside = (row >= 0).logical_and(row < height).logical_and(column >= 0).logical_and(column < width);
            Tensor index = (row.clamp(0, height - 1) * width + column.clamp(0, width - 1)).to_type(ScalarType.Int64).reshape(batch, moved, 1, -1).expand(-1, -1, shape[1] / moved, -1);
            Tensor part = image.gather(3, index) * (share * inside).reshape(batch, moved, 1, -1);
            sampled = sampled is null ? part : sampled + part;
        }
        if (call.Optional(4) is { } mask)
            sampled = sampled! * Wide(mask).reshape(batch, moved, 1, -1);
        Tensor sums = weight.reshape(groups, weight.shape[0] / groups, -1).matmul(sampled!.reshape(batch, groups, shape[1] / groups * taps, rows * columns));
        sums = sums.reshape(batch, weight.shape[0], rows, columns);
        if (call.Optional(3) is { } bias)
            sums = sums + Wide(bias).reshape(-1, 1, 1);
        return As(sums, call[0].dtype);

        static Tensor Near(Tensor beyond, int next) => next == 0 ? 1 - beyond : beyond;

        // Where the taps of an axis would lie without offsets: [taps, windows].
        Tensor Regular(int axis, long count) => (arange(kernel[axis], x.dtype) * window.Dilations[axis]).unsqueeze(1) + (arange(count, x.dtype) * window.Strides[axis] - window.Begins[axis]);
    }
}
