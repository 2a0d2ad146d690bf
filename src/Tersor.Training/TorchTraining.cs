using Tersor.Compression.Training;
using Tersor.Onnx;
using Tersor.Training.Optimization;

namespace Tersor.Training;

/// <summary>Training with libtorch, behind the interface that the rest of Tersor knows.</summary>
public sealed class TorchTraining : ITraining
{
    /// <inheritdoc/>
    public TrainingResult Train(TrainingJob job, IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default) => new Trainer(job).Run(progress, cancellation);

    /// <inheritdoc/>
    public IReadOnlyList<TrainingResult> Distill(TrainingJob job, IReadOnlyList<Model> assistants, IProgress<(int Link, TrainingProgress Progress)>? progress = null, CancellationToken cancellation = default) =>
        new ProgressiveDistillation(job, assistants).Run(progress, cancellation);

    /// <inheritdoc/>
    public GradientStatistics Gradients(TrainingJob job, IProgress<int>? progress = null, CancellationToken cancellation = default) => GradientMeasurement.Run(job, progress, cancellation);
}
