using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Types and shapes of a model's values: as the engine infers them when it loads the model; where it says nothing, in bodies and functions, by the static table.</summary>
internal static class TypeInference
{
    /// <summary>Types by value; values about which nothing is known are absent.</summary>
    public static IReadOnlyDictionary<Value, OnnxType> Infer(Model model, IModelRunner runner)
    {
        Dictionary<Value, OnnxType> types = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);
        // What the file declares about inner values may be stale: it is inferred anew from the inputs.
        Model copy = model.Clone(out IReadOnlyDictionary<Value, Value> copies);
        foreach (Value value in copy.AllGraphs().SelectMany(g => g.Nodes).SelectMany(n => n.Outputs).OfType<Value>().Where(v => !v.IsGraphOutput))
            value.Type = null;
        InferredTypes inferred = ShapeInference.Infer(copy);
        foreach (Value value in copy.Graph.Nodes.SelectMany(n => n.Outputs).OfType<Value>().Where(v => !v.IsGraphOutput).ToArray())
            copy.Graph.AddOutput(value);
        IReadOnlyDictionary<string, OnnxType> byEngine = OfEngine(copy, runner);
        foreach ((Value value, Value twin) in copies)
        {
            OnnxType? known = inferred.TypeOf(twin), engine = twin.Graph.IsMain && twin.Producer is not null ? byEngine.GetValueOrDefault(twin.Name) : null;
            if (Better(known, engine) is { } type)
                types[value] = type;
        }
        return types;
    }

    private static IReadOnlyDictionary<string, OnnxType> OfEngine(Model model, IModelRunner runner)
    {
        try
        {
            return runner.OutputTypes(model);
        }
        catch (RuntimeException)
        {
            return new Dictionary<string, OnnxType>(); // the engine refuses the model
        }
    }

    /// <summary>The one that fixes more.</summary>
    private static OnnxType? Better(OnnxType? a, OnnxType? b) => Known(a) >= Known(b) ? a : b;

    private static int Known(OnnxType? type) => type switch
    {
        null => -1,
        OnnxType.Tensor { Shape: { } shape } => 2 + 2 * shape.Count(d => d.Size is not null) + shape.Count(d => d.Symbol is { Length: > 0 }),
        _ => 1,
    };
}
