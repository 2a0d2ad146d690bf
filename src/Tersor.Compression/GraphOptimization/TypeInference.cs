using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Types and shapes of the main graph's values, as the engine infers them when it loads the model.</summary>
internal static class TypeInference
{
    /// <summary>Types by value name; empty when the engine refuses the model.</summary>
    public static IReadOnlyDictionary<string, OnnxType> Infer(Model model, IModelRunner runner)
    {
        Model copy = model.Clone();
        // What the file declares about inner values may be stale: it is inferred anew from the inputs.
        foreach (Value value in copy.Graph.Nodes.SelectMany(n => n.Outputs).OfType<Value>().Where(v => !v.IsGraphOutput).ToArray())
        {
            value.Type = null;
            copy.Graph.AddOutput(value);
        }
        try
        {
            return runner.OutputTypes(copy);
        }
        catch (RuntimeException)
        {
            return new Dictionary<string, OnnxType>();
        }
    }
}
