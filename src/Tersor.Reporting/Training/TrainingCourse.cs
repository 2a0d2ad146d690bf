using Tersor.Compression.Training;

namespace Tersor.Reporting.Training;

/// <summary>How training went, where it was a part of something else.</summary>
/// <param name="Start">What validation measured before the first step; null: nothing was held out.</param>
/// <param name="Epochs">Every epoch, from 1.</param>
/// <param name="BestEpoch">The epoch whose weights were kept, from 1; 0: none was better than the start.</param>
/// <param name="Metric">What validation measured; null: nothing.</param>
/// <param name="Curve">The loss between epochs, as far as it was watched.</param>
public sealed record TrainingCourse(double? Start, IReadOnlyList<TrainingEpoch> Epochs, int BestEpoch, string? Metric, IReadOnlyList<LossPoint> Curve)
{
    /// <summary>Of a result.</summary>
    /// <param name="result">What training gave; null: there was none.</param>
    /// <param name="curve">The loss as it was watched.</param>
    public static TrainingCourse? Of(TrainingResult? result, IReadOnlyList<LossPoint> curve) => result is null ? null : new(result.Start, result.History, result.BestEpoch, result.MetricName, curve);
}
