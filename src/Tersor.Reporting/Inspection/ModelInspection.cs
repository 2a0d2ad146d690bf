namespace Tersor.Reporting.Inspection;

/// <summary>What can be said about a model without running it.</summary>
public sealed record ModelInspection
{
    /// <summary>The file, as it was named.</summary>
    public required string File { get; init; }

    /// <summary>Size of the model file.</summary>
    public required long FileBytes { get; init; }

    /// <summary>Bytes of tensors that lie in files beside it.</summary>
    public required long ExternalBytes { get; init; }

    /// <summary>Version of the file format.</summary>
    public required long IrVersion { get; init; }

    /// <summary>The tool the file came from, with its version; empty when it does not say.</summary>
    public required string Producer { get; init; }

    /// <summary>Versions of the operator sets, by domain; ONNX's own is <c>ai.onnx</c>.</summary>
    public required IReadOnlyDictionary<string, long> Opsets { get; init; }

    /// <summary>What must or may be fed, overridable initializers left out.</summary>
    public required IReadOnlyList<InterfaceValue> Inputs { get; init; }

    /// <summary>What comes out.</summary>
    public required IReadOnlyList<InterfaceValue> Outputs { get; init; }

    /// <summary>The owner's keys and values.</summary>
    public required IReadOnlyDictionary<string, string> Metadata { get; init; }

    /// <summary>Nodes of all graphs, Constant nodes left out.</summary>
    public required int Nodes { get; init; }

    /// <summary>Nodes that use weights.</summary>
    public required int LayersWithWeights { get; init; }

    /// <summary>Bodies of If, Loop and Scan.</summary>
    public required int NestedGraphs { get; init; }

    /// <summary>Model-local functions.</summary>
    public required int Functions { get; init; }

    /// <summary>Numbers in all weights; constants that are shapes, indices, flags or text are left out.</summary>
    public required long Parameters { get; init; }

    /// <summary>Bytes of these weights.</summary>
    public required long WeightBytes { get; init; }

    /// <summary>Multiply-accumulate operations of one run, where the shapes are known.</summary>
    public required long? Macs { get; init; }

    /// <summary>Why <see cref="Macs"/> is unknown or too low; null when it is complete.</summary>
    public required string? MacsNote { get; init; }

    /// <summary>Where the constants stand.</summary>
    public required IReadOnlyList<ConstantGroup> Places { get; init; }

    /// <summary>Which element types the constants have.</summary>
    public required IReadOnlyList<ConstantGroup> ElementTypes { get; init; }

    /// <summary>What the constants are, as their use shows.</summary>
    public required IReadOnlyList<ConstantGroup> Roles { get; init; }

    /// <summary>How often each operator occurs, most frequent first.</summary>
    public required IReadOnlyList<OperatorSummary> Operators { get; init; }

    /// <summary>Every node, in order; null unless asked for.</summary>
    public IReadOnlyList<LayerSummary>? Layers { get; init; }

    /// <summary>Every constant, in order; null unless asked for.</summary>
    public IReadOnlyList<ConstantSummary>? Constants { get; init; }
}

/// <summary>An input or output of a model.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type, such as <c>Float32 [N,3,224,224]</c>.</param>
public sealed record InterfaceValue(string Name, string Type);

/// <summary>Constants that have something in common.</summary>
/// <param name="Name">What that is.</param>
/// <param name="Tensors">How many there are.</param>
/// <param name="Elements">Their elements.</param>
/// <param name="Bytes">Their bytes.</param>
public sealed record ConstantGroup(string Name, int Tensors, long Elements, long Bytes);

/// <summary>One constant.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Roles">What it is: one role, or several where exporters stored equal numbers once.</param>
/// <param name="Type">Element type and shape.</param>
/// <param name="Readers">The nodes that compute with it, behind those that only move it.</param>
/// <param name="Graph">Where it stands: empty for the main graph, else the way there.</param>
public sealed record ConstantSummary(string Name, IReadOnlyList<string> Roles, string Type, IReadOnlyList<string> Readers, string Graph);

/// <summary>All nodes of one operator.</summary>
/// <param name="Operator">Its name, with the domain where that is not ONNX's own.</param>
/// <param name="Count">Number of nodes.</param>
/// <param name="Parameters">Numbers in their weights.</param>
/// <param name="WeightBytes">Bytes of these.</param>
/// <param name="Macs">Multiply-accumulate operations, where the shapes are known.</param>
public sealed record OperatorSummary(string Operator, int Count, long Parameters, long WeightBytes, long? Macs);

/// <summary>One node.</summary>
/// <param name="Name">Its name, or that of its first output.</param>
/// <param name="Operator">Its operator.</param>
/// <param name="Graph">Where it stands: empty for the main graph, else the way there.</param>
/// <param name="OutputShape">Shape of its first output, <c>?</c> when unknown.</param>
/// <param name="Parameters">Numbers in its weights; a weight that several nodes use counts at the first.</param>
/// <param name="WeightBytes">Bytes of these.</param>
/// <param name="Macs">Multiply-accumulate operations, where the shapes are known.</param>
public sealed record LayerSummary(string Name, string Operator, string Graph, string OutputShape, long Parameters, long WeightBytes, long? Macs);
