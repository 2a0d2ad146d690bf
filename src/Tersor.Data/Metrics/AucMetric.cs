namespace Tersor.Data.Metrics;

/// <summary>Area under the ROC curve: the probability that a positive scores higher than a negative, ties counting half. Keeps every score: 8 bytes each.</summary>
/// <remarks>By ranks: Hanley and McNeil 1982, Radiology 143(1), 29–36.</remarks>
internal sealed class AucMetric(string? output, string label, int element) : IMetric
{
    private readonly List<(float Score, bool Positive)> scores = [];

    public string Name => "auc";

    public bool HigherIsBetter => true;

    public bool NeedsReference => false;

    /// <summary>NaN as long as one of the classes is missing.</summary>
    public double Value
    {
        get
        {
            (float Score, bool Positive)[] sorted = [.. scores];
            Array.Sort(sorted, (a, b) => a.Score.CompareTo(b.Score));
            double rankSum = 0;
            long positives = sorted.LongCount(s => s.Positive), negatives = sorted.Length - positives;
            for (int start = 0; start < sorted.Length;)
            {
                int end = start;
                long equalPositives = 0;
                for (; end < sorted.Length && sorted[end].Score.Equals(sorted[start].Score); end++)
                    equalPositives += sorted[end].Positive ? 1 : 0;
                rankSum += equalPositives * (start + 1 + end) / 2.0; // mean of the ranks start+1..end
                start = end;
            }
            return positives == 0 || negatives == 0 ? double.NaN : (rankSum - positives * (positives + 1) / 2.0) / ((double)positives * negatives);
        }
    }

    public void Add(Observation observation) => scores.AddRange(BinaryScores.Of(observation, output, label, element));
}
