using Tersor.Onnx;
using static Tersor.Training.Operators.Steps;
using static TorchSharp.torch;

namespace Tersor.Training.Operators;

/// <summary>What changes shapes without touching numbers, and what makes tensors from shapes.</summary>
internal static class Shapes
{
    public static IEnumerable<OperatorRow> Rows =>
    [
        new("Concat", 1, Scoped(Concat)),
        new("ConstantOfShape", 9, Filled),
        new("Expand", 8, Expand),
        new("Flatten", 1, Flatten),
        new("Range", 11, Scoped(Range)),
        new("Reshape", 1, c => Reshape(c, c.Node.Ints("shape") ?? [])),
        new("Reshape", 5, c => Reshape(c, c.Longs(1))),
        new("Shape", 1, Shape),
        new("Size", 1, c => tensor(c[0].numel())),
        new("Split", 1, c => Split(c, c.Node.Ints("split") ?? c.OptionalLongs(1))),
        new("Split", 13, c => Split(c, c.OptionalLongs(1))),
        new("Squeeze", 1, c => Squeeze(c, c.Node.Ints("axes"))),
        new("Squeeze", 13, c => Squeeze(c, c.OptionalLongs(1))),
        new("Tile", 1, c => c[0].repeat([.. Enumerable.Range(0, (int)c[0].ndim).Select(i => i == c.Longs(2)[0] ? c.Longs(1)[0] : 1)])),
        new("Tile", 6, Tile),
        new("Transpose", 1, Transpose),
        new("Unsqueeze", 1, c => Unsqueeze(c, c.Node.Ints("axes") ?? [])),
        new("Unsqueeze", 13, c => Unsqueeze(c, c.Longs(1))),
    ];

    private static OperatorResult Shape(OperatorCall call)
    {
        long[] shape = call[0].shape;
        int start = Bound(call.Node.Int("start", 0)), end = Bound(call.Node.Int("end", shape.Length));
        return tensor(shape[start..Math.Max(start, end)]);

        int Bound(long at) => (int)Math.Clamp(at < 0 ? at + shape.Length : at, 0, shape.Length);
    }

    private static OperatorResult Reshape(OperatorCall call, long[] target)
    {
        Tensor data = call[0];
        long[] shape = data.shape, wanted = (long[])target.Clone();
        int open = -1;
        for (int i = 0; i < wanted.Length; i++)
        {
            if (wanted[i] == 0 && call.Node.Int("allowzero", 0) == 0)
                wanted[i] = i < shape.Length ? shape[i] : throw call.Bad($"copies dimension {i} of an input of rank {shape.Length}");
            else if (wanted[i] == -1)
                open = i;
        }
        // The batch size the model was exported with, in front of a dimension that follows from the others.
        if (open > 0 && call.Run.Batch is { } fed && wanted[0] == fed.Declared && shape.Length > 0 && shape[0] == fed.Actual && IsConstant(call, 1))
            wanted[0] = fed.Actual;
        if (open >= 0)
        {
            wanted[open] = 1;
            long known = Product(wanted);
            wanted[open] = known == 0 ? 0 : Product(shape) / known;
        }
        else if (call.Run.Batch is { } batch && wanted.Length > 0 && wanted[0] == batch.Declared && IsConstant(call, 1) && Product(wanted) * batch.Actual == Product(shape) * batch.Declared)
            wanted[0] = batch.Actual; // the batch size the model was exported with
        return data.reshape(wanted);
    }

    private static bool IsConstant(OperatorCall call, int input) => call.Node.Input(input) is null or { Tensor: not null };

    /// <summary>Whether the first of several constant dimensions is the batch size the model was exported with. A batch of one could be anything, and broadcasts.</summary>
    private static bool IsBatch(OperatorCall call, int input, long[] dimensions) =>
        call.Run.Batch is { Declared: > 1 } batch && dimensions.Length > 1 && dimensions[0] == batch.Declared && IsConstant(call, input);

    private static OperatorResult Flatten(OperatorCall call)
    {
        long[] shape = call[0].shape;
        long axis = call.Node.Int("axis", 1);
        int at = (int)(axis < 0 ? axis + shape.Length : axis);
        return call[0].reshape(Product(shape[..at]), Product(shape[at..]));
    }

    private static OperatorResult Squeeze(OperatorCall call, long[]? axes)
    {
        long[] shape = call[0].shape;
        HashSet<long> gone = [.. axes is null ? Enumerable.Range(0, shape.Length).Where(i => shape[i] == 1).Select(i => (long)i) : axes.Select(a => call.Axis(a, shape.Length))];
        if (gone.FirstOrDefault(a => shape[a] != 1, -1) is >= 0 and long axis)
            throw call.Bad($"squeezes axis {axis}, which has length {shape[axis]}");
        return call[0].reshape([.. shape.Where((_, i) => !gone.Contains(i))]);
    }

    private static OperatorResult Unsqueeze(OperatorCall call, long[] axes)
    {
        long[] shape = call[0].shape;
        int rank = shape.Length + axes.Length, next = 0;
        HashSet<long> added = [.. axes.Select(a => call.Axis(a, rank))];
        return call[0].reshape([.. Enumerable.Range(0, rank).Select(i => added.Contains(i) ? 1 : shape[next++])]);
    }

    private static OperatorResult Transpose(OperatorCall call) =>
        call[0].permute(call.Once("order", () => call.Node.Ints("perm") ?? [.. Enumerable.Range(0, (int)call[0].ndim).Reverse().Select(i => (long)i)]));

    private static OperatorResult Expand(OperatorCall call)
    {
        long[] shape = call[0].shape, target = call.Longs(1);
        int rank = Math.Max(shape.Length, target.Length);
        if (IsBatch(call, 1, target) && (shape.Length < rank || shape[0] == 1 || shape[0] == call.Run.Batch!.Value.Actual))
            target[0] = call.Run.Batch!.Value.Actual;
        long[] wanted = new long[rank];
        for (int i = 1; i <= rank; i++)
        {
            long have = i <= shape.Length ? shape[^i] : 1, asked = i <= target.Length ? target[^i] : 1;
            wanted[^i] = asked == 1 ? have : asked;
        }
        return call[0].expand(wanted);
    }

    private static OperatorResult Tile(OperatorCall call)
    {
        long[] repeats = call.Longs(1);
        if (IsBatch(call, 1, repeats) && call[0].shape[0] == 1)
            repeats[0] = call.Run.Batch!.Value.Actual;
        return call[0].repeat(repeats);
    }

    private static OperatorResult Filled(OperatorCall call)
    {
        long[] shape = call.Longs(0);
        if (IsBatch(call, 0, shape))
            shape[0] = call.Run.Batch!.Value.Actual;
        OnnxTensor value = call.Node.TensorAttribute("value") ?? OnnxTensor.Scalar(0f);
        return value.Type.IsFloat() ? full(shape, value.ToDoubles()[0], call.Carrier(value.Type)) : full(shape, value.ToInt64s()[0], call.Carrier(value.Type));
    }

    private static OperatorResult Concat(OperatorCall call)
    {
        Tensor[] parts = call.All();
        long axis = call.Axis(call.Node.Int("axis", 1), parts[0].ndim);
        if (call.Run.Batch is { Declared: 1 } batch && axis > 0 && parts.Any(p => p.shape[0] == batch.Actual))
        {
            // What was broadcast to a batch of one when the model was exported, such as a class token.
            parts = [.. parts.Select(p => p.shape[0] == 1 ? p.expand([batch.Actual, .. p.shape[1..]]) : p)];
        }
        return cat(parts, axis);
    }

    private static OperatorResult Split(OperatorCall call, long[]? sizes)
    {
        long axis = call.Axis(call.Node.Int("axis", 0), call[0].ndim), length = call[0].shape[axis];
        if (sizes is null)
        {
            long count = call.Node.Int("num_outputs", call.OutputCount), most = (length + count - 1) / count;
            sizes = [.. Enumerable.Range(0, (int)count).Select(i => Math.Clamp(length - i * most, 0, most))];
        }
        return call[0].split(sizes, axis);
    }

    private static OperatorResult Range(OperatorCall call)
    {
        Tensor start = call[0].reshape([]), delta = call[2].reshape([]);
        if (!start.is_floating_point())
        {
            long first = call.Longs(0)[0], step = call.Longs(2)[0], distance = call.Longs(1)[0] - first;
            long count = Math.Max(distance / step + (distance % step == 0 ? 0 : distance % step > 0 == step > 0 ? 1 : 0), 0);
            return arange(first, first + count * step, step, start.dtype);
        }
        double numbers = Math.Max(Math.Ceiling((call.Number(1) - call.Number(0)) / call.Number(2)), 0);
        return start + arange(numbers, start.dtype) * delta;
    }
}
