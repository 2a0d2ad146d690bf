using Tersor.Onnx;
using Tersor.Training.Libtorch;
using static TorchSharp.torch;

namespace Tersor.Training.Operators;

/// <summary>Sequences of tensors, and values that may be missing. A missing value is null; one that is there is the tensor or sequence itself.</summary>
internal static class Sequences
{
    public static IEnumerable<OperatorRow> Rows =>
    [
        new("ConcatFromSequence", 11, Concat),
        new("Optional", 15, c => One(c.Count == 0 ? null : ControlFlow.Alias(c.Inputs[0]))),
        new("OptionalGetElement", 15, c => One(ControlFlow.Alias(c.Inputs[0]) ?? throw c.Bad("has no value to give"))),
        new("OptionalHasElement", 15, c => full([], c.Count > 0 && c.Inputs[0] is not null, ScalarType.Bool)),
        new("SequenceAt", 11, c => c.Sequence(0)[At(c, 1, c.Sequence(0).Count)].alias()),
        new("SequenceConstruct", 11, c => new TensorSequence([.. c.All().Select(t => t.alias())])),
        new("SequenceEmpty", 11, _ => new TensorSequence([])),
        new("SequenceErase", 11, Erase),
        new("SequenceInsert", 11, Insert),
        new("SequenceLength", 11, c => tensor((long)c.Sequence(0).Count)),
        new("SequenceMap", 17, Map),
        new("SplitToSequence", 11, Split),
    ];

    private static OperatorResult One(object? value) => OperatorResult.Of([value]);

    /// <summary>A position in a sequence that an input gives, from the end where it is negative.</summary>
    private static int At(OperatorCall call, int input, int count)
    {
        long at = call.Longs(input)[0];
        at = at < 0 ? at + count : at;
        return at >= 0 && at <= count ? (int)at : throw call.Bad($"asks for element {at} of {count}");
    }

    private static OperatorResult Erase(OperatorCall call)
    {
        IReadOnlyList<Tensor> items = call.Sequence(0);
        int at = call.Optional(1) is null ? items.Count - 1 : At(call, 1, items.Count);
        return new TensorSequence([.. items.Where((_, i) => i != at).Select(t => t.alias())]);
    }

    private static OperatorResult Insert(OperatorCall call)
    {
        List<Tensor> items = [.. call.Sequence(0).Select(t => t.alias())];
        items.Insert(call.Optional(2) is null ? items.Count : At(call, 2, items.Count), call[1].alias());
        return new TensorSequence(items);
    }

    private static OperatorResult Concat(OperatorCall call)
    {
        Tensor[] items = [.. call.Sequence(0)];
        bool added = call.Node.Int("new_axis", 0) != 0;
        long axis = call.Axis(call.Node.Int("axis", 0), items[0].ndim + (added ? 1 : 0));
        return added ? stack(items, axis) : cat(items, axis);
    }

    private static OperatorResult Split(OperatorCall call)
    {
        Tensor x = call[0];
        long axis = call.Axis(call.Node.Int("axis", 0), x.ndim), length = x.shape[axis];
        if (call.Optional(1) is not { } split)
            return new TensorSequence(call.Node.Int("keepdims", 1) == 0 ? x.unbind(axis) : x.split(Steps.Repeat(1, (int)length), axis));
        long[] sizes = TorchTensors.ToLongs(split);
        if (split.ndim == 0)
        {
            long most = sizes[0];
            sizes = [.. Enumerable.Range(0, (int)((length + most - 1) / most)).Select(i => Math.Min(most, length - i * most))];
        }
        return new TensorSequence(x.split(sizes, axis));
    }

    private static OperatorResult Map(OperatorCall call)
    {
        Graph body = call.Node.Body("body") ?? throw call.Bad("has no body");
        List<Tensor>[] outputs = [.. body.Outputs.Select(_ => new List<Tensor>())];
        int count = call.Sequence(0).Count;
        for (int i = 0; i < count; i++)
        {
            object?[] results = call.Run.RunBody(body, [.. call.Inputs.Select(v => v is TensorSequence sequence ? sequence.Items[i] : v)]);
            for (int k = 0; k < results.Length; k++)
                outputs[k].Add((Tensor)results[k]!);
        }
        return OperatorResult.Of([.. outputs.Select(o => new TensorSequence(o))]);
    }
}
