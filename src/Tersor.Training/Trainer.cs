using Tersor.Compression.Training;
using Tersor.Training.Libtorch;
using Tersor.Training.Optimization;

namespace Tersor.Training;

/// <summary>Trains an ONNX graph: data, loss, optimizer, schedule, checkpoints.</summary>
/// <remarks>At one thread, the same job gives the same bytes, whether it ran through or was killed and went on from its checkpoint: every random number of a step follows from the seed and the number of the step.</remarks>
public sealed class Trainer
{
    private readonly TrainingJob job;
    private readonly Func<IReadOnlyDictionary<string, Tensor>, IReadOnlyDictionary<string, Tensor>, Tensor>? loss;

    /// <param name="job">What, on what, how.</param>
    /// <param name="loss">A loss of the caller's own, in place of <see cref="TrainingSettings.Loss"/>: from outputs by name and labels by name to one number with a gradient.</param>
    /// <exception cref="TrainingException">The settings cannot be used.</exception>
    public Trainer(TrainingJob job, Func<IReadOnlyDictionary<string, Tensor>, IReadOnlyDictionary<string, Tensor>, Tensor>? loss = null)
    {
        (this.job, this.loss) = (job, loss);
        PreparedJob.Check(job, ownLoss: loss is not null);
    }

    /// <summary>What tells when time is up.</summary>
    internal TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Trains.</summary>
    /// <param name="progress">Told after every step.</param>
    /// <param name="cancellation">Stops it between steps; a checkpoint is written first where one was asked for.</param>
    /// <exception cref="TrainingException">The model cannot be trained on these data.</exception>
    public TrainingResult Run(IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default)
    {
        using LibtorchSession session = new(job.Settings.Threads);
        using TrainingRun run = new(job, loss, Clock);
        return run.ToEnd(progress, cancellation);
    }
}
