using Tersor.Onnx;

namespace Tersor.Compression;

/// <summary>What a pass may use beside the model.</summary>
public sealed record PassContext
{
    /// <summary>A context with nothing in it.</summary>
    public static PassContext None { get; } = new();

    /// <summary>Stops the pass; the model is then in an unspecified state and must be dropped.</summary>
    public CancellationToken Cancellation { get; init; }

    /// <summary>Runs the small models a pass makes to compute constants. Default: in this process.</summary>
    public IModelRunner Runner { get; init; } = InProcessRunner.Instance;

    /// <summary>Types and shapes known beyond what the file declares, by value name of the main graph; empty when nothing is known.</summary>
    public IReadOnlyDictionary<string, OnnxType> KnownTypes { get; init; } = new Dictionary<string, OnnxType>();

    /// <summary>The same by value of the very model that the pass is given, bodies included. It goes before names.</summary>
    public IReadOnlyDictionary<Value, OnnxType> ValueTypes { get; init; } = new Dictionary<Value, OnnxType>();

    /// <summary>The type of a value: known or declared; null when neither.</summary>
    public OnnxType? TypeOf(Value value) => ValueTypes.TryGetValue(value, out OnnxType? seen) ? seen
        : value.Graph.IsMain && KnownTypes.TryGetValue(value.Name, out OnnxType? known) ? known
        : value.Type;
}
