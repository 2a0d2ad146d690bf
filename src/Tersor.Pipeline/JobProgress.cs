namespace Tersor.Pipeline;

/// <summary>How far a job has come.</summary>
/// <param name="Stage">What it is doing, in a few words: <c>calibrating</c>.</param>
/// <param name="Share">How much of the stage is done, 0..1.</param>
public sealed record JobProgress(string Stage, double Share);

/// <summary>Progress within one stage of a job.</summary>
internal sealed class StageProgress(IProgress<JobProgress>? job, string stage) : IProgress<double>
{
    public void Report(double value) => job?.Report(new(stage, value));
}
