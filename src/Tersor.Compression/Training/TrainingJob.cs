using Tersor.Data;
using Tersor.Data.Metrics;
using Tersor.Onnx;

namespace Tersor.Compression.Training;

/// <summary>What is trained, on what.</summary>
/// <param name="Model">Not modified.</param>
/// <param name="Data">Training samples.</param>
/// <param name="Settings">How.</param>
public sealed record TrainingJob(Model Model, IDataSet Data, TrainingSettings Settings)
{
    /// <summary>Samples that tell which epoch was best; null: none are held out, and the last epoch counts.</summary>
    public IDataSet? Validation { get; init; }

    /// <summary>Makes the metric of the validation set; null: its loss.</summary>
    public Func<IMetric>? Metric { get; init; }

    /// <summary>Index of every symbol of text labels. Default: none.</summary>
    public IReadOnlyDictionary<string, int> Symbols { get; init; } = new Dictionary<string, int>();

    /// <summary>What constants that the model holds in integers were rounded from, by their name: training starts there. Others start from what their integers stand for. Default: none.</summary>
    public IReadOnlyDictionary<string, Tensor> Latent { get; init; } = new Dictionary<string, Tensor>();

    /// <summary>Whether the result tells what the optimizer knew of every weight at the end. Default false: it takes as much memory as the weights, or twice as much.</summary>
    public bool KeepsOptimizerState { get; init; }

    /// <summary>Models the student learns from, beside labels or without; none: only from labels. They can be fed the same (<see cref="TeacherInputs"/>) and are not modified.</summary>
    public IReadOnlyList<Model> Teachers { get; init; } = [];

    /// <summary>How it learns from them; null: as by default. Only with teachers.</summary>
    public DistillationSettings? Distillation { get; init; }
}
