using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Types and shapes of a model's values: as the engine infers them when it loads the model; where it says nothing, in bodies and functions, by the static table.</summary>
internal static class TypeInference
{
    private const int MaxCalls = 10_000;

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
        Dictionary<Value, OnnxType?> inFunctions = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);
        int visits = 0;
        VisitCalls(copy.Graph, inferred, inFunctions, ref visits);
        foreach ((Value value, Value twin) in copies)
        {
            OnnxType? known = twin.Graph.Function is null ? inferred.TypeOf(twin) : inFunctions.GetValueOrDefault(twin), engine = twin.Graph.IsMain && twin.Producer is not null ? byEngine.GetValueOrDefault(twin.Name) : null;
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

    /// <summary>A value of a function has a type where it has the same in all calls.</summary>
    private static void VisitCalls(Graph caller, InferredTypes? known, Dictionary<Value, OnnxType?> types, ref int visits)
    {
        foreach (Node node in caller.WithNested().SelectMany(g => g.Nodes))
        {
            if (caller.Model.FindFunction(node) is not { } function)
                continue;
            // Functions that call functions multiply: past this, nothing is known inside them.
            InferredTypes? inside = ++visits <= MaxCalls ? known?.Inside(node) : null;
            foreach (Value value in function.Body.WithNested().SelectMany(g => g.Nodes.SelectMany(n => n.Outputs).OfType<Value>().Concat(g.Inputs)))
            {
                OnnxType? type = inside?.TypeOf(value);
                types[value] = types.TryGetValue(value, out OnnxType? other) && !Equals(other, type) ? null : type;
            }
            if (visits <= MaxCalls)
                VisitCalls(function.Body, inside, types, ref visits);
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
