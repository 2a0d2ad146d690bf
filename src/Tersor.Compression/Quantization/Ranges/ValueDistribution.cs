namespace Tersor.Compression.Quantization.Ranges;

/// <summary>How an activation's values were distributed over the calibration set: a histogram of equal bins, exact zeros counted apart.</summary>
public sealed class ValueDistribution
{
    private readonly double binWidth;
    private readonly double[] counts;      // running sums, one longer than the bins
    private readonly double[] sums;        // of count · centre
    private readonly double[] squares;     // of count · centre²

    /// <param name="min">Smallest value seen.</param>
    /// <param name="max">Largest value seen.</param>
    /// <param name="zeros">How many values were exactly 0.</param>
    /// <param name="firstEdge">Lower edge of the first bin.</param>
    /// <param name="binWidth">Width of a bin; positive.</param>
    /// <param name="bins">Values other than 0 in each bin.</param>
    public ValueDistribution(double min, double max, long zeros, double firstEdge, double binWidth, ReadOnlySpan<long> bins)
    {
        (Min, Max, Zeros, FirstEdge, this.binWidth) = (min, max, zeros, firstEdge, binWidth);
        counts = new double[bins.Length + 1];
        sums = new double[bins.Length + 1];
        squares = new double[bins.Length + 1];
        for (int i = 0; i < bins.Length; i++)
        {
            double centre = firstEdge + (i + 0.5) * binWidth;
            counts[i + 1] = counts[i] + bins[i];
            sums[i + 1] = sums[i] + bins[i] * centre;
            squares[i + 1] = squares[i] + bins[i] * centre * centre;
        }
    }

    /// <summary>Smallest value seen.</summary>
    public double Min { get; }

    /// <summary>Largest value seen.</summary>
    public double Max { get; }

    /// <summary>How many values were exactly 0.</summary>
    public long Zeros { get; }

    /// <summary>How many values were seen.</summary>
    public double Count => counts[^1] + Zeros;

    private double FirstEdge { get; }

    /// <summary>The value below which the given share of all values lies; interpolated inside a bin.</summary>
    /// <param name="share">0..1.</param>
    public double Quantile(double share)
    {
        double target = share * Count;
        int zeroBin = Math.Clamp((int)Math.Ceiling(-FirstEdge / binWidth), 0, counts.Length - 1); // zeros come before this bin's values
        double below = 0;
        for (int i = 0; i < counts.Length - 1; i++)
        {
            if (i == zeroBin)
            {
                if (below + Zeros >= target && Zeros > 0)
                    return 0;
                below += Zeros;
            }
            double inBin = counts[i + 1] - counts[i];
            if (inBin > 0 && below + inBin >= target)
                return Math.Clamp(FirstEdge + (i + (target - below) / inBin) * binWidth, Min, Max);
            below += inBin;
        }
        return Max;
    }

    /// <summary>How many values other than 0 lie between the ends, and the summed squared distance of the others to the nearer end.</summary>
    public (double Inside, double ClippedError) Split(double low, double high)
    {
        int first = Bin(low), last = Bin(high); // bins by their centre
        double left = Distance(0, first, low), right = Distance(last, counts.Length - 1, high);
        return (counts[last] - counts[first], left + right);

        // Σ count · (centre − end)², opened so that running sums give it at once.
        double Distance(int from, int to, double end) =>
            Math.Max(0, squares[to] - squares[from] - 2 * end * (sums[to] - sums[from]) + end * end * (counts[to] - counts[from]));
    }

    private int Bin(double value) => (int)Math.Clamp(Math.Ceiling((value - FirstEdge) / binWidth - 0.5), 0, counts.Length - 1);
}
