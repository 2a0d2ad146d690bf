using Tersor.Compression.Training;

namespace Tersor.Training;

/// <summary>Training with libtorch, behind the interface that the rest of Tersor knows.</summary>
public sealed class TorchTraining : ITraining
{
    /// <inheritdoc/>
    public TrainingResult Train(TrainingJob job, IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default) => new Trainer(job).Run(progress, cancellation);
}
