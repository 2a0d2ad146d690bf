namespace Tersor.Pipeline.Judging;

/// <summary>Which of two models is better, by what the same samples say of both.</summary>
internal static class VerdictOrder
{
    /// <summary>Differences of the signal to noise below this are chance, dB.</summary>
    private const double LeastGain = 0.1;

    /// <summary>Whether a change is worth keeping: outputs are closer and the metric does not speak against it, or the metric is better beyond doubt and outputs are no worse.</summary>
    public static bool IsBetter(Verdict changed, Verdict before)
    {
        double gain = changed.Sqnr - before.Sqnr;
        if (changed.Metric is not { } after || before.Metric is not { } earlier)
            return gain >= LeastGain;
        // Both were compared with the original on the same samples: what flips in either is the doubt about the difference.
        double won = earlier.Drop.Value - after.Drop.Value, doubt = Doubt(after, earlier);
        return gain >= LeastGain ? won > -doubt : won > doubt && gain >= -LeastGain;
    }

    /// <summary>The better first: by whether they fit, then by the metric where samples can tell, then by closeness.</summary>
    public static IComparer<Verdict> BestFirst { get; } = Comparer<Verdict>.Create((left, right) =>
    {
        if (left.Fits != right.Fits)
            return left.Fits ? -1 : 1;
        if (left.Metric is { } one && right.Metric is { } other && one.Drop.Value - other.Drop.Value is var difference && Math.Abs(difference) > Doubt(one, other))
            return difference < 0 ? -1 : 1;
        return right.Sqnr.CompareTo(left.Sqnr);
    });

    private static double Doubt(MetricVerdict one, MetricVerdict other) => Math.Max(one.Drop.HalfWidth, other.Drop.HalfWidth);
}
