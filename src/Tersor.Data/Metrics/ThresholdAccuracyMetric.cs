namespace Tersor.Data.Metrics;

/// <summary>Share of rows whose score lies on the right side of a threshold.</summary>
internal sealed class ThresholdAccuracyMetric(double threshold, string? output, string label, int element) : IMetric
{
    private long right, total;

    public string Name => "threshold-accuracy";

    public bool HigherIsBetter => true;

    public bool NeedsReference => false;

    public double Value => total == 0 ? double.NaN : (double)right / total;

    public void Add(Observation observation)
    {
        foreach ((float score, bool positive) in BinaryScores.Of(observation, output, label, element))
        {
            right += score >= threshold == positive ? 1 : 0;
            total++;
        }
    }
}
