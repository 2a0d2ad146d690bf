using Tersor.Data.Metrics;
using Tersor.Data.Preprocessing;
using Tersor.Onnx;

namespace Tersor.Data.Descriptions;

/// <summary>A data set as it is declared, in a YAML file or in code. Immutable; change it with <c>with</c>.</summary>
public sealed record DataDescription
{
    /// <summary>What it is called in tables and messages.</summary>
    public string Name { get; init; } = "data";

    /// <summary>The folder that relative paths start from; itself relative to the base folder. Default: the base folder.</summary>
    public string Root { get; init; } = ".";

    /// <summary>The parts by name, in order of declaration; at least one.</summary>
    public required IReadOnlyDictionary<string, SplitDescription> Splits { get; init; }

    /// <summary>What happens to every image, in this order. Audio and arrays that are not images take none.</summary>
    public IReadOnlyList<PreprocessStep> Preprocess { get; init; } = [];

    /// <summary>The tensor every image becomes.</summary>
    public TensorFormat Format { get; init; } = new();

    /// <summary>Inputs that are the same in every step of every sample, by name.</summary>
    public IReadOnlyDictionary<string, Tensor> Constants { get; init; } = new Dictionary<string, Tensor>();

    /// <summary>What the model's state inputs hold at the start of a sample, by name.</summary>
    public IReadOnlyDictionary<string, Tensor> States { get; init; } = new Dictionary<string, Tensor>();

    /// <summary>Which output is fed back to which input, by name.</summary>
    public IReadOnlyDictionary<string, string> Feedback { get; init; } = new Dictionary<string, string>();

    /// <summary>What is measured on it.</summary>
    public IReadOnlyList<MetricDescription> Metrics { get; init; } = [];
}

/// <summary>One part of a data set: a source, and which of its samples.</summary>
public sealed record SplitDescription(DataSource Source)
{
    /// <summary>The share of the samples that belongs to this part, as an interval of 0..1 after shuffling by <see cref="Seed"/>. Parts with the same source and seed and
    /// disjoint intervals have no sample in common. Null: all, in their own order.</summary>
    public (double From, double To)? Part { get; init; }

    /// <summary>At most so many samples, drawn by <see cref="Seed"/>. Null: all.</summary>
    public int? Take { get; init; }

    /// <summary>What shuffles. Null and neither <see cref="Part"/> nor <see cref="Stratified"/>: <see cref="Take"/> takes the first ones.</summary>
    public int? Seed { get; init; }

    /// <summary>Keep the proportions of the classes. Default: no.</summary>
    public bool Stratified { get; init; }
}
