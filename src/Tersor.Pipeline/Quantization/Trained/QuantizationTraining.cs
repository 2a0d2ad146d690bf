using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Data.Metrics;

namespace Tersor.Pipeline.Quantization;

/// <summary>Quantization-aware training: the quantized model is trained as it will run, weights and activations rounded in every step, so that it gives what the float model gives.</summary>
/// <param name="Trainer">What trains.</param>
/// <param name="Settings">How. The float model is the teacher; <see cref="TrainingSettings.Loss"/> is added where it is not <see cref="TrainingLoss.None"/>.</param>
/// <param name="Data">What is trained on. Labels are not needed.</param>
public sealed record QuantizationTraining(ITraining Trainer, TrainingSettings Settings, IDataSet Data)
{
    /// <summary>Samples that tell which epoch was best; null: the last one counts.</summary>
    public IDataSet? Validation { get; init; }

    /// <summary>Makes the metric epochs are judged by; null: the loss.</summary>
    public Func<IMetric>? Metric { get; init; }

    /// <summary>How the quantized model learns from the float model; null: as by default.</summary>
    public DistillationSettings? Distillation { get; init; }

    /// <summary>Class of every symbol of text labels. Default: none.</summary>
    public IReadOnlyDictionary<string, int> Symbols { get; init; } = new Dictionary<string, int>();

    /// <summary>Told after every step.</summary>
    public IProgress<TrainingProgress>? Progress { get; init; }
}
