namespace Tersor.Data.Metrics;

/// <summary>Mean of -ln p of the right class, in nats.</summary>
internal sealed class CrossEntropyMetric(bool fromLogits, string? output, string label) : IMetric
{
    // A probability of 0 would make the mean infinite for good; this is what single precision can still tell from 0.
    private const double LeastProbability = 1e-38;

    private double sum;
    private long total;

    public string Name => "cross-entropy";

    public bool HigherIsBetter => false;

    public bool NeedsReference => false;

    public double Value => total == 0 ? double.NaN : sum / total;

    public void Add(Observation observation)
    {
        foreach ((float[] scores, int expected) in Observations.Rows(observation, output, label))
        {
            sum += fromLogits ? LogSumExp(scores) - scores[expected] : -Math.Log(Math.Max(scores[expected], LeastProbability));
            total++;
        }
    }

    private static double LogSumExp(float[] scores)
    {
        double max = scores.Max();
        return max + Math.Log(scores.Sum(s => Math.Exp(s - max)));
    }
}
