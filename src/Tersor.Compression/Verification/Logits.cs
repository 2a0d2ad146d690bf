using Tersor.Onnx;

namespace Tersor.Compression;

/// <summary>What goes into a trailing Sigmoid or Softmax, given out as one more output.</summary>
internal static class Logits
{
    private const string Prefix = "tersor.logits/";

    public static string NameFor(string output) => Prefix + output;

    public static bool IsName(string name) => name.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>A copy of the model with the logits of every such output as outputs; the model itself where there are none.</summary>
    public static Model Expose(Model model)
    {
        if (!model.Graph.Outputs.Any(o => Before(o) is not null))
            return model;
        Model copy = model.Clone();
        foreach (Value output in copy.Graph.Outputs.ToArray())
        {
            if (Before(output) is { } logits)
                copy.Graph.AddOutput(copy.Graph.AddNode("Identity", [logits], [NameFor(output.Name)]).Outputs[0]!);
        }
        return copy;
    }

    private static Value? Before(Value output) => output.Producer is { } last && last.Is("Sigmoid", "Softmax", "LogSoftmax") && ReferenceEquals(last.Graph, output.Graph) ? last.Input(0) : null;
}
