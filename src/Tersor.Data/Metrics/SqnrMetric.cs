namespace Tersor.Data.Metrics;

/// <summary>Signal to quantization noise ratio in dB over all elements of all samples; infinite when nothing differs.</summary>
internal sealed class SqnrMetric(string? output) : IMetric
{
    private double signal, noise;
    private bool any;

    public string Name => "sqnr";

    public bool HigherIsBetter => true;

    public bool NeedsReference => true;

    public double Value => !any ? double.NaN : noise == 0 ? double.PositiveInfinity : 10 * Math.Log10(signal / noise);

    public void Add(Observation observation)
    {
        foreach ((double[] actual, double[] expected) in Observations.Pairs(observation, output))
        {
            for (int i = 0; i < actual.Length; i++)
            {
                signal += expected[i] * expected[i];
                noise += (actual[i] - expected[i]) * (actual[i] - expected[i]);
            }
            any = true;
        }
    }
}
