using Tersor.Onnx;
using Tersor.Training.Operators.Fused;

namespace Tersor.Training.Losses;

/// <summary>An output as losses see it: what stands in front of a trailing Softmax, LogSoftmax or Sigmoid.</summary>
/// <param name="Output">The model's output.</param>
/// <param name="Logits">What losses work on: the output itself where nothing is looked through.</param>
/// <param name="Closing">The operator that was looked through; null where there is none.</param>
/// <param name="Axis">The axis of the classes, where the operator says so.</param>
internal sealed record LogitOutput(Value Output, Value Logits, string? Closing, int? Axis)
{
    /// <summary>Operators that change neither the order of numbers nor, but for rounding, the numbers.</summary>
    private static readonly string[] Transparent = ["Identity", "Cast", "QuantizeLinear", "DequantizeLinear", "Reshape", "Flatten", "Squeeze", "Unsqueeze"];

    /// <summary>Looks through what ends a model, where a Softmax or Sigmoid stands behind it.</summary>
    public static LogitOutput Of(Value output)
    {
        Value value = output;
        while (value.Producer is { } node && (node.Is(Transparent) || node.Domain == FakeQuantization.Domain || node.Is("Clip") && node.Input(0)?.Producer?.Is("QuantizeLinear") == true) && node.Input(0) is { } source)
            value = source;
        if (value.Producer is { } closing && closing.Input(0) is { } logits && (closing.Is("Sigmoid") || closing.Is("Softmax", "LogSoftmax")))
            return new(output, logits, closing.OpType, closing.Is("Sigmoid") ? null : (int)closing.Int("axis", closing.OpsetVersion < 13 ? 1 : -1));
        return new(output, output, null, null);
    }
}
