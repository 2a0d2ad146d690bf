using Tersor.Onnx;

namespace Tersor.Pipeline.Judging;

/// <summary>A model's outputs for comparing two versions of it: where an output ends in Softmax or Sigmoid, what goes into that.</summary>
/// <remarks>A saturated probability hides differences that the logits show.</remarks>
internal static class LogitView
{
    private static readonly string[] Squashing = ["Softmax", "LogSoftmax", "Sigmoid"];

    /// <summary>Gives out logits as further outputs of the main graph.</summary>
    /// <returns>One name an output, in order: its own, or that of its logits.</returns>
    public static IReadOnlyList<string> AddTo(Model model)
    {
        List<string> names = [];
        foreach (Value output in model.Graph.Outputs.ToArray())
        {
            Value value = output;
            while (Logits(value) is { } logits && ReferenceEquals(logits.Graph, model.Graph) && logits.Producer is not null)
                value = logits;
            if (!value.IsGraphOutput)
                model.Graph.AddOutput(value);
            names.Add(value.Name);
        }
        return names;
    }

    /// <summary>The input of the squashing operator that makes the value, directly or under Identity, QuantizeLinear and DequantizeLinear; else null.</summary>
    private static Value? Logits(Value value)
    {
        Node? producer = value.Producer;
        while (producer is not null && producer.Is("Identity", "DequantizeLinear", "QuantizeLinear"))
            producer = producer.Inputs[0]?.Producer;
        return producer is not null && producer.Is(Squashing) ? producer.Inputs[0] : null;
    }
}
