namespace Tersor.Data.Metrics;

/// <summary>Cosine of the angle between a sample's outputs and the reference's, each taken as one vector; mean over samples. 1 when both are zero, 0 when one is.</summary>
internal sealed class CosineMetric(string? output) : IMetric
{
    private double sum;
    private long total;

    public string Name => "cosine";

    public bool HigherIsBetter => true;

    public bool NeedsReference => true;

    public double Value => total == 0 ? double.NaN : sum / total;

    public void Add(Observation observation)
    {
        bool any = false;
        double product = 0, actualSquares = 0, expectedSquares = 0;
        foreach ((double[] actual, double[] expected) in Observations.Pairs(observation, output))
        {
            any = true;
            for (int i = 0; i < actual.Length; i++)
            {
                product += actual[i] * expected[i];
                actualSquares += actual[i] * actual[i];
                expectedSquares += expected[i] * expected[i];
            }
        }
        if (!any)
            return;
        double norms = Math.Sqrt(actualSquares) * Math.Sqrt(expectedSquares);
        sum += norms != 0 ? product / norms : actualSquares == expectedSquares ? 1 : 0;
        total++;
    }
}
