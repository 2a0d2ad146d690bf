using Tersor.Onnx;
using Tersor.Onnx.Roles;

namespace Tersor.Pipeline.Judging;

/// <summary>An output of a model as it is compared with that of another version.</summary>
/// <param name="Name">The output.</param>
/// <param name="Logits">What stands in front of its Softmax or Sigmoid, given out too; the output itself where there is none.</param>
/// <param name="Classes">How its classes lie; null where it is not known to be classes.</param>
/// <param name="IsState">Whether it is fed back to the model: what comes of it shows in the other outputs.</param>
internal sealed record ComparedOutput(string Name, string Logits, ClassAxis? Classes, bool IsState = false)
{
    /// <summary>Whether nothing says that it holds classes, and it is taken for classes all the same.</summary>
    public bool IsAssumed { get; init; }

    /// <summary>The outputs of a model, with their logits given out by it too.</summary>
    /// <param name="model">Gets further outputs.</param>
    /// <param name="feedback">Which output is fed back to which input.</param>
    /// <param name="asClasses">Whether outputs that may be anything are taken for scores of classes along their last axis, where none is known to be: when their agreement is asked for.</param>
    public static IReadOnlyList<ComparedOutput> Of(Model model, IReadOnlyDictionary<string, string> feedback, bool asClasses)
    {
        Value[] outputs = [.. model.Graph.Outputs];
        ClassAxis?[] known = [.. outputs.Select(ClassAxis.Of)];
        bool assumes = asClasses && known.All(k => k is null);
        IReadOnlyList<string> logits = LogitView.AddTo(model);
        return [.. outputs.Select((output, i) => new ComparedOutput(output.Name, logits[i], known[i] ?? (assumes ? ClassAxis.Last : null), feedback.ContainsKey(output.Name)) { IsAssumed = assumes })];
    }

    /// <summary>Whether differences of elements mean something; integers and strings are answers, not measurements.</summary>
    public static bool IsNumeric(Tensor tensor) => tensor.Type is ElementType.Float32 or ElementType.Float64 or ElementType.Float16 or ElementType.BFloat16;
}

/// <summary>Where the classes of an output lie.</summary>
/// <param name="Axis">The axis of their scores; null where the output holds the classes themselves (ArgMax).</param>
/// <param name="IsRanked">Whether the axis holds classes in the order of their scores, of which the first is the answer (TopK).</param>
internal sealed record ClassAxis(long? Axis, bool IsRanked = false)
{
    /// <summary>The last axis.</summary>
    public static ClassAxis Last { get; } = new(-1L);

    /// <summary>The classes of an output that ends in Softmax, LogSoftmax, ArgMax or TopK, directly or under what only moves numbers, or that holds integers, truth values or strings, which are answers; else null: a matrix product may end in anything.</summary>
    public static ClassAxis? Of(Value output)
    {
        (Value made, bool moved) = Made(output);
        if (made.Producer is { } producer && producer.Is("TopK") && made.ProducerIndex == 1 && !moved)
            return new(producer.Int("axis", -1), IsRanked: true);
        if (output.Type?.AsTensor?.ElementType is { } type && (type.IsInteger() || type is ElementType.Bool or ElementType.String) || made.Producer?.Is("ArgMax") == true)
            return new((long?)null);
        return OutputEnding.Of(output) is { Closing: "Softmax" or "LogSoftmax", Axis: { } axis, IsMoved: false } ? new(axis) : null;
    }

    /// <summary>The value that is given out, before its type or its shape was changed.</summary>
    private static (Value Value, bool Moved) Made(Value output)
    {
        bool moved = false;
        while (output.Producer is { } node && node.Is("Identity", "DequantizeLinear", "QuantizeLinear", "Cast", "Squeeze", "Unsqueeze") && node.Input(0) is { } source)
        {
            moved |= node.Is("Squeeze", "Unsqueeze");
            output = source;
        }
        return (output, moved);
    }

    /// <summary>In how many answers the best class is the same, and how many there are.</summary>
    public (long Same, long Count) Agreement(Tensor reference, Tensor given)
    {
        if (!reference.Shape.AsSpan().SequenceEqual(given.Shape.AsSpan()) || reference.Rank == 0 && Axis is not null)
            return (0, 1);
        if (reference.Type == ElementType.String)
            return (reference.Strings.Zip(given.Strings).LongCount(p => p.First.Span.SequenceEqual(p.Second.Span)), reference.Length);
        if (Axis is not { } axis)
            return (reference.ToDoubles().Zip(given.ToDoubles()).LongCount(p => p.First == p.Second), reference.Length);
        double[] wanted = reference.ToDoubles(), made = given.ToDoubles();
        int place = (int)(axis < 0 ? axis + reference.Rank : axis), classes = (int)reference.Shape[place], inner = (int)Tensor.ElementCount(reference.Shape.AsSpan()[(place + 1)..]);
        long same = 0, count = classes < (IsRanked ? 1 : 2) ? 0 : wanted.LongLength / classes;
        for (long row = 0; row < count; row++)
        {
            int start = (int)(row / inner * inner * classes + row % inner);
            same += (IsRanked ? wanted[start] == made[start] : Best(wanted, start, inner, classes) == Best(made, start, inner, classes)) ? 1 : 0;
        }
        return (same, count);
    }

    private static int Best(double[] values, int start, int stride, int classes)
    {
        int best = 0;
        for (int i = 1; i < classes; i++)
        {
            if (values[start + i * stride] > values[start + best * stride])
                best = i;
        }
        return best;
    }
}
