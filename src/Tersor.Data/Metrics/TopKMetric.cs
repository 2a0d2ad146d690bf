namespace Tersor.Data.Metrics;

/// <summary>Share of rows whose right class is among the k highest scores; of equal scores the lower class counts as higher.</summary>
internal sealed class TopKMetric(int k, string? output, string label) : IMetric
{
    private long right, total;

    public string Name => $"top-{k}";

    public bool HigherIsBetter => true;

    public bool NeedsReference => false;

    public double Value => total == 0 ? double.NaN : (double)right / total;

    public void Add(Observation observation)
    {
        if (k == 1 && Observations.Classes(observation, output, label) is { } answers)
        {
            foreach ((long answer, long expected) in answers)
                (total, right) = (total + 1, right + (answer == expected ? 1 : 0));
            return;
        }
        foreach ((float[] scores, int expected) in Observations.Rows(observation, output, label))
        {
            float own = scores[expected];
            int before = 0;
            for (int i = 0; i < scores.Length; i++)
            {
                if (scores[i] > own || (scores[i] == own && i < expected))
                    before++;
            }
            total++;
            right += before < k && !float.IsNaN(own) ? 1 : 0;
        }
    }
}
