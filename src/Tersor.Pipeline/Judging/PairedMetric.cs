using Tersor.Data.Metrics;

namespace Tersor.Pipeline.Judging;

/// <summary>A metric of a changed model, compared sample by sample with the original's.</summary>
/// <param name="create">Makes the metric.</param>
/// <param name="higherIsBetter">Whether a greater one is better.</param>
/// <remarks>The drop is that of the metric over all samples; how sure it is follows from the differences of the metric of single samples, most of which are zero.</remarks>
internal sealed class PairedMetric(Func<IMetric> create, bool higherIsBetter)
{
    private readonly IMetric whole = create();
    private readonly RunningMean differences = new();
    private bool yesOrNo = true;

    /// <summary>Takes one sample into account.</summary>
    /// <param name="observation">What the changed model gives.</param>
    /// <param name="original">What the metric gives of the original for this sample alone; NaN where it needs more than one.</param>
    public void Add(Observation observation, double original)
    {
        whole.Add(observation);
        double own = ReferenceRuns.OfOne(create, observation), lost = higherIsBetter ? original - own : own - original;
        if (!double.IsFinite(lost))
            return;
        yesOrNo &= own is 0 or 1 && original is 0 or 1;
        differences.Add(lost);
    }

    /// <summary>The comparison over all samples so far.</summary>
    /// <param name="original">The original's metric over the same samples.</param>
    public MetricVerdict Result(double original)
    {
        double drop = higherIsBetter ? original - whole.Value : whole.Value - original;
        Interval interval = differences.Count < 2 ? new(drop, double.NegativeInfinity, double.PositiveInfinity) : differences.OfChanges(drop, yesOrNo ? 1 : 0);
        return new(original, whole.Value, interval, differences.Changed);
    }
}
