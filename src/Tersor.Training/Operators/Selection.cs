using static Tersor.Training.Operators.Steps;
using static TorchSharp.torch;

namespace Tersor.Training.Operators;

/// <summary>What picks, orders or marks elements by their values.</summary>
internal static class Selection
{
    public static IEnumerable<OperatorRow> Rows =>
    [
        new("Compress", 9, Scoped(Compress)),
        new("NonMaxSuppression", 10, Scoped(NonMaximum)),
        new("NonZero", 9, Scoped(c => (c[0].ndim == 0 ? c[0].reshape(1) : c[0]).nonzero().t().contiguous())),
        new("OneHot", 9, Scoped(OneHot)),
        new("ReverseSequence", 10, Scoped(Reversed)),
        new("TopK", 1, Scoped(c => Top(c, c.Node.Int("k", 1)))),
        new("TopK", 10, Scoped(c => Top(c, c.Longs(1)[0]))),
        new("Unique", 11, Scoped(Unique)),
    ];

    /// <summary>Sorted stably: of equal elements the first comes first, as ONNX wants it and libtorch's topk does not promise.</summary>
    private static OperatorResult Top(OperatorCall call, long count)
    {
        Tensor x = call[0];
        long axis = call.Axis(call.Node.Int("axis", -1), x.ndim);
        (Tensor values, Tensor index) = x.sort(axis, descending: call.Node.Int("largest", 1) != 0, stable: true);
        return (values.narrow(axis, 0, count), index.narrow(axis, 0, count));
    }

    private static OperatorResult Compress(OperatorCall call)
    {
        Tensor x = call[0], index = call[1].reshape(-1).nonzero().reshape(-1);
        return call.Node.Int("axis") is { } axis ? x.index_select(call.Axis(axis, x.ndim), index) : x.reshape(-1).index_select(0, index);
    }

    private static OperatorResult OneHot(OperatorCall call)
    {
        long depth = (long)call.Number(1), rank = call[0].ndim + 1, axis = call.Axis(call.Node.Int("axis", -1), rank);
        Tensor index = call[0].to_type(ScalarType.Int64), values = call[2];
        Tensor hot = where(index < 0, index + depth, index).unsqueeze(axis) == arange(depth, ScalarType.Int64).reshape([-1, .. Repeat(1, (int)(rank - axis - 1))]);
        return where(hot, values.select(0, 1), values.select(0, 0));
    }

    private static OperatorResult Reversed(OperatorCall call)
    {
        Tensor x = call[0];
        long batch = call.Node.Int("batch_axis", 1), time = call.Node.Int("time_axis", 0);
        long[] shape = x.shape, alongBatch = Repeat(1, shape.Length), alongTime = Repeat(1, shape.Length);
        (alongBatch[batch], alongTime[time]) = (-1, -1);
        Tensor lengths = call[1].to_type(ScalarType.Int64).reshape(alongBatch), step = arange(shape[time], ScalarType.Int64).reshape(alongTime);
        return x.gather(time, where(step < lengths, lengths - 1 - step, step).expand(shape));
    }

    private static OperatorResult Unique(OperatorCall call)
    {
        Tensor x = call[0];
        long axis = 0;
        if (call.Node.Int("axis") is { } given)
            axis = call.Axis(given, x.ndim);
        else
            x = x.reshape(-1);
        Tensor known = As(x.detach(), x.dtype == ScalarType.Float16 ? ScalarType.Float32 : x.dtype);
        (Tensor _, Tensor? inverse, Tensor? counts) = known.unique(sorted: true, return_inverse: true, return_counts: true, dim: (int)axis);
        long[] places = Libtorch.TorchTensors.ToLongs(inverse!), first = Repeat(-1, (int)counts!.numel());
        for (int i = places.Length - 1; i >= 0; i--)
            first[places[i]] = i;
        Tensor firsts = tensor(first);
        if (call.Node.Int("sorted", 1) == 0)
        {
            // As they come in the input.
            (firsts, Tensor order) = firsts.sort(0);
            counts = counts.index_select(0, order);
            inverse = order.argsort(0).index_select(0, inverse!);
        }
        return (Tensor?[])[x.index_select(axis, firsts), firsts, inverse, counts];
    }

    /// <summary>Chooses boxes; nothing in it has a gradient.</summary>
    private static OperatorResult NonMaximum(OperatorCall call)
    {
        float[] boxes = Floats(call[0]), scores = Floats(call[1]);
        long[] shape = call[1].shape;
        long most = call.OptionalLongs(2)?[0] ?? 0;
        double overlap = call.Optional(3) is null ? 0 : call.Number(3), least = call.Optional(4) is null ? double.NegativeInfinity : call.Number(4);
        bool centered = call.Node.Int("center_point_box", 0) != 0;
        List<long> chosen = [];
        for (long batch = 0; batch < shape[0]; batch++)
        {
            for (long kind = 0; kind < shape[1]; kind++)
            {
                long at = (batch * shape[1] + kind) * shape[2];
                List<long> taken = [];
                foreach (long box in Enumerable.Range(0, (int)shape[2]).Where(i => scores[at + i] > least).OrderByDescending(i => scores[at + i]).Select(i => (long)i))
                {
                    if (taken.Count >= most)
                        break;
                    if (taken.All(t => Overlap(Corners(batch * shape[2] + t), Corners(batch * shape[2] + box)) <= overlap))
                    {
                        taken.Add(box);
                        chosen.AddRange([batch, kind, box]);
                    }
                }
            }
        }
        return tensor(chosen.ToArray(), [chosen.Count / 3, 3]);

        (float Top, float Left, float Bottom, float Right) Corners(long box)
        {
            ReadOnlySpan<float> b = boxes.AsSpan((int)box * 4, 4);
            return centered ? (b[1] - b[3] / 2, b[0] - b[2] / 2, b[1] + b[3] / 2, b[0] + b[2] / 2)
                : (Math.Min(b[0], b[2]), Math.Min(b[1], b[3]), Math.Max(b[0], b[2]), Math.Max(b[1], b[3]));
        }
    }

    private static double Overlap((float Top, float Left, float Bottom, float Right) a, (float Top, float Left, float Bottom, float Right) b)
    {
        float shared = Math.Max(Math.Min(a.Bottom, b.Bottom) - Math.Max(a.Top, b.Top), 0) * Math.Max(Math.Min(a.Right, b.Right) - Math.Max(a.Left, b.Left), 0);
        float all = (a.Bottom - a.Top) * (a.Right - a.Left) + (b.Bottom - b.Top) * (b.Right - b.Left) - shared;
        return all > 0 ? shared / all : 0;
    }

    private static float[] Floats(Tensor tensor) => tensor.detach().to_type(ScalarType.Float32).contiguous().data<float>().ToArray();
}
