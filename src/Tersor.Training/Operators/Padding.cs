using TorchSharp;
using static Tersor.Training.Operators.Steps;
using static TorchSharp.torch;

namespace Tersor.Training.Operators;

/// <summary>Cutting parts out of tensors, and padding them.</summary>
internal static class Padding
{
    public static IEnumerable<OperatorRow> Rows =>
    [
        new("CenterCropPad", 18, Scoped(Center)),
        new("Pad", 1, Scoped(c => Pad(c, c.Node.Ints("pads") ?? c.Node.Ints("paddings") ?? [], null, c.Node.Float("value", 0)))),
        new("Pad", 11, Scoped(c => Pad(c, c.Longs(1), c.OptionalLongs(3), c.Optional(2) is null ? 0 : c.Number(2)))),
        new("Slice", 1, Scoped(c => Slice(c, c.Node.Ints("starts") ?? [], c.Node.Ints("ends") ?? [], c.Node.Ints("axes"), null))),
        new("Slice", 10, Scoped(c => Slice(c, c.Longs(1), c.Longs(2), c.OptionalLongs(3), c.OptionalLongs(4)))),
    ];

    private static OperatorResult Slice(OperatorCall call, long[] starts, long[] ends, long[]? axes, long[]? steps)
    {
        Tensor y = call[0];
        long[] shape = y.shape;
        for (int i = 0; i < starts.Length; i++)
        {
            long axis = call.Axis(axes?[i] ?? i, shape.Length), length = shape[axis], step = steps?[i] ?? 1;
            long start = starts[i] < 0 ? starts[i] + length : starts[i], end = ends[i] < 0 ? ends[i] + length : ends[i];
            if (step > 0)
            {
                (start, end) = (Math.Clamp(start, 0, length), Math.Clamp(end, 0, length));
                y = y.slice(axis, start, Math.Max(start, end), step);
            }
            else
            {
                // libtorch goes forwards only: the same elements in that order, turned around.
                (start, end) = (Math.Clamp(start, -1, length - 1), Math.Clamp(end, -1, length - 1));
                long count = Math.Max((start - end - step - 1) / -step, 0), last = start + (count - 1) * step;
                y = count == 0 ? y.slice(axis, 0, 0, 1) : y.slice(axis, last, start + 1, -step).flip([axis]);
            }
        }
        return y.alias();
    }

    private static OperatorResult Pad(OperatorCall call, long[] pads, long[]? axes, double value)
    {
        Tensor x = call[0];
        int rank = (int)x.ndim, given = pads.Length / 2;
        long[] begins = new long[rank], ends = new long[rank];
        for (int i = 0; i < given; i++)
        {
            long axis = call.Axis(axes?[i] ?? i, rank);
            (begins[axis], ends[axis]) = (pads[i], pads[i + given]);
        }
        if (begins.Concat(ends).All(p => p == 0))
            return x.alias();
        string mode = call.Node.Text("mode") ?? "constant";
        if (mode == "constant")
            return nn.functional.pad(x, TorchPads(begins, ends), PaddingModes.Constant, value);
        bool image = rank == 4 && x.dtype is ScalarType.Float32 or ScalarType.Float64 && begins[0] == 0 && begins[1] == 0 && ends[0] == 0 && ends[1] == 0 && begins.Concat(ends).All(p => p >= 0);
        if (image && mode == "edge")
            return nn.functional.pad(x, TorchPads(begins.AsSpan(2), ends.AsSpan(2)), PaddingModes.Replicate);
        if (image && mode == "reflect" && Math.Max(begins[2], ends[2]) < x.shape[2] && Math.Max(begins[3], ends[3]) < x.shape[3])
            return nn.functional.pad(x, TorchPads(begins.AsSpan(2), ends.AsSpan(2)), PaddingModes.Reflect);
        for (int axis = 0; axis < rank; axis++)
        {
            if (begins[axis] == 0 && ends[axis] == 0)
                continue;
            long length = x.shape[axis];
            long[] places = new long[begins[axis] + length + ends[axis]];
            for (int i = 0; i < places.Length; i++)
                places[i] = Source(call, mode, i - begins[axis], length);
            x = x.index_select(axis, tensor(places));
        }
        return x;
    }

    /// <summary>Which element stands at a position that may lie outside of an axis.</summary>
    private static long Source(OperatorCall call, string mode, long position, long length)
    {
        switch (mode)
        {
            case "edge":
                return Math.Clamp(position, 0, length - 1);
            case "wrap":
                return (position % length + length) % length;
            case "reflect":
                long period = Math.Max(2 * (length - 1), 1), place = (position % period + period) % period;
                return Math.Min(place, period - place);
            default:
                throw call.Unsupported($"the mode {mode}");
        }
    }

    /// <summary>Source: the function of ONNX CenterCropPad-18: what cannot be halved goes to the end.</summary>
    private static OperatorResult Center(OperatorCall call)
    {
        Tensor x = call[0];
        long[] wanted = call.Longs(1), axes = call.Node.Ints("axes") ?? [.. Enumerable.Range(0, wanted.Length).Select(i => (long)i)];
        int rank = (int)x.ndim;
        long[] begins = new long[rank], ends = new long[rank];
        for (int i = 0; i < wanted.Length; i++)
        {
            long axis = call.Axis(axes[i], rank), more = wanted[i] - x.shape[axis];
            begins[axis] = more < 0 ? -(-more / 2) : more / 2;
            ends[axis] = more - begins[axis];
        }
        return nn.functional.pad(x, TorchPads(begins, ends));
    }
}
