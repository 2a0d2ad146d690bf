using Tersor.Compression.Training;

namespace Tersor.Reporting.Training;

/// <summary>How training went, where it was a part of something else.</summary>
/// <param name="Epochs">Every epoch.</param>
/// <param name="BestEpoch">The epoch whose weights were kept, from 0.</param>
/// <param name="Metric">What validation measured; null: nothing.</param>
/// <param name="Curve">The loss between epochs, as far as it was watched.</param>
public sealed record TrainingCourse(IReadOnlyList<TrainingEpoch> Epochs, int BestEpoch, string? Metric, IReadOnlyList<LossPoint> Curve)
{
    /// <summary>Of a result.</summary>
    /// <param name="result">What training gave; null: there was none.</param>
    /// <param name="curve">The loss as it was watched.</param>
    public static TrainingCourse? Of(TrainingResult? result, IReadOnlyList<LossPoint> curve) => result is null ? null : new(result.History, result.BestEpoch, result.MetricName, curve);
}
