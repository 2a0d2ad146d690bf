using System.Diagnostics;
using Tersor.Compression.Training;
using Tersor.Onnx;

namespace Tersor.Cli.Running;

/// <summary>Training as a part of a job whose whole time is bounded: it has what the stages before it have left, but for a tenth that is kept for judging what comes of it.</summary>
/// <param name="trainer">What trains.</param>
/// <param name="limit">Time the whole job may take, from now on.</param>
internal sealed class BoundedTraining(ITraining trainer, TimeSpan limit) : ITraining
{
    private const double Share = 0.9;

    private readonly long start = Stopwatch.GetTimestamp();

    public TrainingResult Train(TrainingJob job, IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default) => trainer.Train(Bounded(job), progress, cancellation);

    public IReadOnlyList<TrainingResult> Distill(TrainingJob job, IReadOnlyList<Model> assistants, IProgress<(int Link, TrainingProgress Progress)>? progress = null, CancellationToken cancellation = default) =>
        trainer.Distill(Bounded(job), assistants, progress, cancellation);

    public GradientStatistics Gradients(TrainingJob job, IProgress<int>? progress = null, CancellationToken cancellation = default) => trainer.Gradients(job, progress, cancellation);

    private TrainingJob Bounded(TrainingJob job)
    {
        TimeSpan left = (limit - Stopwatch.GetElapsedTime(start)) * Share;
        return job with { Settings = job.Settings with { TimeLimit = left > TimeSpan.Zero ? left : TimeSpan.FromTicks(1) } };
    }
}
