namespace Tersor.Compression.Quantization.Ranges;

/// <summary>One way to choose an activation's range, and the range it chose.</summary>
/// <param name="Estimator">How.</param>
/// <param name="Low">Lower end; it need not be below zero yet.</param>
/// <param name="High">Upper end.</param>
public readonly record struct RangeCandidate(RangeEstimator Estimator, double Low, double High);

/// <summary>What every estimator makes of one activation, from one run over the calibration set: for choosing among them by measured output error.</summary>
public static class RangeCandidates
{
    /// <summary>The estimators asked, in this order: the widest range first.</summary>
    public static IReadOnlyList<RangeEstimator> Estimators { get; } =
    [
        new RangeEstimator.MinMax(), new RangeEstimator.MovingAverage(), new RangeEstimator.Percentile(), new RangeEstimator.Percentile(99.99),
        new RangeEstimator.MeanSquaredError(), new RangeEstimator.Entropy(),
    ];

    /// <summary>The different ranges they choose. Of estimators that agree, the first one stands for all; ranges that hold zeros only are left out.</summary>
    /// <param name="observed">The activation's distribution. Without ranges of single samples the moving average is left out.</param>
    public static IReadOnlyList<RangeCandidate> Of(ValueDistribution observed)
    {
        List<RangeCandidate> candidates = [];
        if (!observed.HasValues)
            return candidates;
        foreach (RangeEstimator estimator in Estimators)
        {
            if (estimator is RangeEstimator.MovingAverage && observed.SampleAverage is null)
                continue;
            (double low, double high) = estimator.Estimate(observed);
            // Equal for the integers: every range is widened to hold zero.
            (double Low, double High) effective = (Math.Min(low, 0), Math.Max(high, 0));
            if (effective.High > effective.Low && !candidates.Any(c => (Math.Min(c.Low, 0), Math.Max(c.High, 0)) == effective))
                candidates.Add(new(estimator, low, high));
        }
        return candidates;
    }
}
