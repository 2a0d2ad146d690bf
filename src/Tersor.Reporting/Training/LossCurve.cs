using Tersor.Compression.Training;

namespace Tersor.Reporting.Training;

/// <summary>The loss as training went, in no more points than a screen shows.</summary>
public sealed class LossCurve : IProgress<TrainingProgress>
{
    private const int Most = 800;

    private readonly List<LossPoint> points = [];
    private long every = 1;

    /// <summary>What was seen, evenly spread; steps made before a run was resumed are not.</summary>
    public IReadOnlyList<LossPoint> Points => points;

    /// <inheritdoc/>
    public void Report(TrainingProgress value)
    {
        if (value.Step % every != 0 || !double.IsFinite(value.Loss))
            return;
        points.Add(new(value.Step, value.Loss));
        if (points.Count < Most)
            return;
        every *= 2;
        points.RemoveAll(p => p.Step % every != 0);
    }
}

/// <summary>A point of a curve.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Loss">Average of the last steps.</param>
public sealed record LossPoint(long Step, double Loss);
