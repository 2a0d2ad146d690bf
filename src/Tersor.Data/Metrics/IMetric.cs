using Tersor.Onnx;

namespace Tersor.Data.Metrics;

/// <summary>What a metric sees of one sample.</summary>
/// <param name="Sample">The sample, labels included.</param>
/// <param name="Outputs">The model's outputs by name, one dictionary a step.</param>
/// <param name="Reference">The reference model's outputs for the same sample, or null where there is no reference.</param>
public sealed record Observation(Sample Sample, IReadOnlyList<IReadOnlyDictionary<string, Tensor>> Outputs, IReadOnlyList<IReadOnlyDictionary<string, Tensor>>? Reference);

/// <summary>A figure of merit over a data set, accumulated sample by sample. Implement it for a metric of your own.</summary>
public interface IMetric
{
    /// <summary>Its name in tables, JSON and options.</summary>
    string Name { get; }

    /// <summary>True when more is better.</summary>
    bool HigherIsBetter { get; }

    /// <summary>True when it compares with a reference model, and so needs no labels.</summary>
    bool NeedsReference { get; }

    /// <summary>Takes one sample into account.</summary>
    void Add(Observation observation);

    /// <summary>The figure over all samples so far; NaN before the first.</summary>
    double Value { get; }
}
