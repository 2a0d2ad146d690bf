using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Types and shapes of a model's values: as the engine infers them when it loads the model.</summary>
internal static class TypeInference
{
    /// <summary>Types by value of the main graph; empty when the engine refuses the model.</summary>
    public static IReadOnlyDictionary<Value, OnnxType> Infer(Model model, IModelRunner runner)
    {
        Dictionary<Value, OnnxType> types = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);
        Model copy = model.Clone();
        // What the file declares about inner values may be stale: it is inferred anew from the inputs.
        foreach (Value value in copy.Graph.Nodes.SelectMany(n => n.Outputs).OfType<Value>().Where(v => !v.IsGraphOutput).ToArray())
        {
            value.Type = null;
            copy.Graph.AddOutput(value);
        }
        try
        {
            IReadOnlyDictionary<string, OnnxType> byName = runner.OutputTypes(copy);
            foreach (Value value in model.Graph.Nodes.SelectMany(n => n.Outputs).OfType<Value>())
            {
                if (byName.TryGetValue(value.Name, out OnnxType? type))
                    types[value] = type;
            }
        }
        catch (RuntimeException)
        {
            // Nothing is known then beyond what the file declares.
        }
        return types;
    }
}
