using Tersor.Onnx;

namespace Tersor.Training.Losses;

/// <summary>An output as losses see it: what stands in front of a trailing Softmax, LogSoftmax or Sigmoid.</summary>
/// <param name="Output">The model's output.</param>
/// <param name="Logits">What losses work on: the output itself where nothing is looked through.</param>
/// <param name="Closing">The operator that was looked through; null where there is none.</param>
/// <param name="Axis">The axis of the classes, where the operator says so.</param>
internal sealed record LogitOutput(Value Output, Value Logits, string? Closing, int? Axis)
{
    /// <summary>Looks through what ends a model.</summary>
    public static LogitOutput Of(Value output)
    {
        Value value = output;
        while (value.Producer is { } node && node.Is("Identity", "Cast") && node.Input(0) is { } source)
            value = source;
        if (value.Producer is { } closing && closing.Input(0) is { } logits && (closing.Is("Sigmoid") || closing.Is("Softmax", "LogSoftmax")))
            return new(output, logits, closing.OpType, closing.Is("Sigmoid") ? null : (int)closing.Int("axis", closing.OpsetVersion < 13 ? 1 : -1));
        return new(output, output, null, null);
    }
}
