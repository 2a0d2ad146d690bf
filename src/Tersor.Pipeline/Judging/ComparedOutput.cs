using Tersor.Onnx;

namespace Tersor.Pipeline.Judging;

/// <summary>An output of a model as it is compared with that of another version.</summary>
/// <param name="Name">The output.</param>
/// <param name="Logits">What stands in front of its Softmax or Sigmoid, given out too; the output itself where there is none.</param>
/// <param name="Classes">How its classes lie; null where it is not known to be classes.</param>
internal sealed record ComparedOutput(string Name, string Logits, ClassAxis? Classes)
{
    /// <summary>The outputs of a model, with their logits given out by it too.</summary>
    /// <param name="model">Gets further outputs.</param>
    /// <param name="asClasses">Whether outputs that may be anything are taken for scores of classes along their last axis: when their agreement is asked for.</param>
    public static IReadOnlyList<ComparedOutput> Of(Model model, bool asClasses)
    {
        Value[] outputs = [.. model.Graph.Outputs];
        IReadOnlyList<string> logits = LogitView.AddTo(model);
        return [.. outputs.Zip(logits, (output, name) => new ComparedOutput(output.Name, name, ClassAxis.Of(output) ?? (asClasses ? ClassAxis.Last : null)))];
    }

    /// <summary>Whether differences of elements mean something; integers and strings are answers, not measurements.</summary>
    public static bool IsNumeric(Tensor tensor) => tensor.Type is ElementType.Float32 or ElementType.Float64 or ElementType.Float16 or ElementType.BFloat16;
}

/// <summary>Where the classes of an output lie.</summary>
/// <param name="Axis">The axis of their scores; null where the output holds the classes themselves (ArgMax).</param>
internal sealed record ClassAxis(long? Axis)
{
    /// <summary>The last axis.</summary>
    public static ClassAxis Last { get; } = new(-1L);

    /// <summary>The classes of an output that ends in Softmax, LogSoftmax or ArgMax, directly or under what only moves numbers, or that holds integers, truth values or strings, which are answers; else null: a matrix product may end in anything.</summary>
    public static ClassAxis? Of(Value output)
    {
        if (output.Type?.AsTensor?.ElementType is { } type && (type.IsInteger() || type is ElementType.Bool or ElementType.String))
            return new((long?)null);
        Node? producer = output.Producer;
        bool moved = false;
        while (producer is not null && producer.Is("Identity", "DequantizeLinear", "QuantizeLinear", "Cast", "Squeeze", "Unsqueeze"))
        {
            moved |= producer.Is("Squeeze", "Unsqueeze");
            producer = producer.Inputs[0]?.Producer;
        }
        if (producer is null)
            return null;
        if (producer.Is("ArgMax"))
            return new((long?)null);
        return producer.Is("Softmax", "LogSoftmax") && !moved ? new(producer.Int("axis", producer.OpsetVersion < 13 ? 1 : -1)) : null;
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
        float[] wanted = reference.ToFloats(), made = given.ToFloats();
        int place = (int)(axis < 0 ? axis + reference.Rank : axis), classes = (int)reference.Shape[place], inner = (int)Tensor.ElementCount(reference.Shape.AsSpan()[(place + 1)..]);
        long same = 0, count = classes < 2 ? 0 : wanted.LongLength / classes;
        for (long row = 0; row < count; row++)
        {
            int start = (int)(row / inner * inner * classes + row % inner);
            same += Best(wanted, start, inner, classes) == Best(made, start, inner, classes) ? 1 : 0;
        }
        return (same, count);
    }

    private static int Best(float[] values, int start, int stride, int classes)
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
