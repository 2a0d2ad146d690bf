using static TorchSharp.torch;

namespace Tersor.Training.Operators;

/// <summary>Sums, extremes and norms over axes, positions of extremes, running sums and products.</summary>
/// <remarks>Axes are an attribute at first and an input later; a node has one or the other.</remarks>
internal static class Reductions
{
    public static IEnumerable<OperatorRow> Rows =>
    [
        new("ReduceSum", 1, c => Reduce(c, Sum)),
        new("ReduceMean", 1, c => Reduce(c, (x, axes) => x.is_floating_point() ? x.mean(axes, keepdim: true) : Sum(x, axes).div(Count(x, axes), RoundingMode.trunc))),
        new("ReduceMax", 1, c => Reduce(c, (x, axes) => Extreme(x, axes, () => amax(x, axes, keepdim: true), greatest: true))),
        new("ReduceMin", 1, c => Reduce(c, (x, axes) => Extreme(x, axes, () => amin(x, axes, keepdim: true), greatest: false))),
        new("ReduceProd", 1, c => Reduce(c, (x, axes) => axes.Aggregate(x, (y, axis) => y.prod(axis, keepdim: true, type: x.dtype)))),
        new("ReduceL1", 1, c => Reduce(c, (x, axes) => Sum(x.abs(), axes))),
        new("ReduceL2", 1, c => Reduce(c, (x, axes) => axes.Length == 0 ? x.abs() : linalg.vector_norm(x, 2, axes, keepdim: true), inFloats: true)),
        new("ReduceLogSum", 1, c => Reduce(c, (x, axes) => Sum(x, axes).log(), inFloats: true)),
        new("ReduceLogSumExp", 1, c => Reduce(c, (x, axes) => axes.Aggregate(x, (y, axis) => y.logsumexp(axis, keepdim: true)), inFloats: true)),
        new("ReduceSumSquare", 1, c => Reduce(c, (x, axes) => Sum(x * x, axes))),
        new("ArgMax", 1, c => Position(c, greatest: true)),
        new("ArgMin", 1, c => Position(c, greatest: false)),
        new("CumSum", 11, c => Running(c, (x, axis) => x.cumsum(axis, x.dtype), 0)),
        new("CumProd", 26, c => Running(c, (x, axis) => x.cumprod(axis, x.dtype), 1)),
    ];

    private static Tensor Sum(Tensor x, long[] axes) => axes.Length == 0 ? x.alias() : x.sum(axes, keepdim: true, type: x.dtype);

    private static long Count(Tensor x, long[] axes) => axes.Aggregate(1L, (count, axis) => count * x.shape[axis]);

    /// <summary>Over nothing, the extreme is the type's other end: what every value is beyond.</summary>
    private static Tensor Extreme(Tensor x, long[] axes, Func<Tensor> extreme, bool greatest)
    {
        if (axes.Length == 0)
            return x.alias();
        if (Count(x, axes) > 0)
            return extreme();
        long[] shape = [.. x.shape.Select((size, axis) => axes.Contains(axis) ? 1 : size)];
        if (x.dtype == ScalarType.Bool)
            return full(shape, greatest ? 0 : 1, ScalarType.Bool);
        if (x.is_floating_point())
            return full(shape, greatest ? double.NegativeInfinity : double.PositiveInfinity, x.dtype);
        (long lowest, long highest) = x.dtype switch
        {
            ScalarType.Byte => (0L, (long)byte.MaxValue),
            ScalarType.Int8 => (sbyte.MinValue, sbyte.MaxValue),
            ScalarType.Int16 => (short.MinValue, short.MaxValue),
            ScalarType.Int32 => (int.MinValue, int.MaxValue),
            _ => (long.MinValue, long.MaxValue),
        };
        return full(shape, greatest ? lowest : highest, x.dtype);
    }

    /// <summary>Reduces over the axes a node names; all of them where it names none, or none at all where it says so.</summary>
    /// <param name="call">The node.</param>
    /// <param name="function">Keeps reduced axes with size one. Over no axes it does what it does to single elements.</param>
    /// <param name="inFloats">Integers are reduced in floating point and converted back.</param>
    private static OperatorResult Reduce(OperatorCall call, Func<Tensor, long[], Tensor> function, bool inFloats = false)
    {
        Tensor x = call[0];
        long[] named = call.OptionalLongs(1) ?? call.Node.Ints("axes") ?? [];
        long[] axes = named.Length > 0 ? [.. named.Select(a => call.Axis(a, x.dim())).Distinct().Order()]
            : call.Node.Int("noop_with_empty_axes", 0) != 0 ? [] : [.. Enumerable.Range(0, (int)x.dim()).Select(i => (long)i)];
        if (x.dim() == 0)
            axes = [];
        Tensor result = inFloats && !x.is_floating_point() ? function(x.to_type(ScalarType.Float64), axes).to_type(x.dtype) : function(x, axes);
        if (call.Node.Int("keepdims", 1) == 0 && axes.Length > 0)
            result = result.reshape([.. result.shape.Where((_, axis) => !axes.Contains(axis))]);
        return ReferenceEquals(result, x) ? x.alias() : result;
    }

    private static OperatorResult Position(OperatorCall call, bool greatest)
    {
        Tensor x = call[0];
        long axis = call.Axis(call.Node.Int("axis", 0), x.dim());
        bool keep = call.Node.Int("keepdims", 1) != 0;
        bool last = call.Node.Int("select_last_index", 0) != 0;
        Tensor searched = last ? x.flip(axis) : x;
        Tensor found = greatest ? searched.argmax(axis, keep) : searched.argmin(axis, keep);
        return last ? x.shape[axis] - 1 - found : found;
    }

    private static OperatorResult Running(OperatorCall call, Func<Tensor, long, Tensor> function, int neutral)
    {
        Tensor x = call[0];
        long axis = call.Axis(call.Longs(1)[0], x.dim());
        bool reverse = call.Node.Int("reverse", 0) != 0;
        Tensor taken = reverse ? x.flip(axis) : x;
        if (call.Node.Int("exclusive", 0) != 0 && x.shape[axis] > 0)
        {
            long[] first = [.. x.shape];
            first[axis] = 1;
            taken = cat([full(first, neutral, x.dtype), taken.narrow(axis, 0, x.shape[axis] - 1)], axis);
        }
        Tensor result = function(taken, axis);
        return reverse ? result.flip(axis) : result;
    }
}
