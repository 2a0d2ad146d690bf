using Tersor.Runtime;

namespace Tersor.Compression.Quantization.Ranges;

/// <summary>How an activation's values were distributed over the calibration set, with running sums over its histogram: any clipping range is then weighed in constant time.</summary>
public sealed class ValueDistribution
{
    private readonly StreamingHistogram histogram;
    private readonly double[] counts;  // running sums of counts, one longer than the bins; exact zeros are in none
    private readonly double[] sums;    // of count · centre
    private readonly double[] squares; // of count · centre²

    /// <param name="histogram">What was observed; it must not change afterwards.</param>
    public ValueDistribution(StreamingHistogram histogram)
    {
        this.histogram = histogram;
        ReadOnlySpan<long> bins = histogram.Counts;
        counts = new double[bins.Length + 1];
        sums = new double[bins.Length + 1];
        squares = new double[bins.Length + 1];
        for (int i = 0; i < bins.Length; i++)
        {
            double centre = histogram.Low + (i + 0.5) * histogram.BinWidth;
            counts[i + 1] = counts[i] + bins[i];
            sums[i + 1] = sums[i] + bins[i] * centre;
            squares[i + 1] = squares[i] + bins[i] * centre * centre;
        }
    }

    /// <summary>False when nothing finite was ever seen.</summary>
    public bool HasValues => histogram.Count > 0;

    /// <summary>Smallest value seen.</summary>
    public double Min => histogram.Min;

    /// <summary>Largest value seen.</summary>
    public double Max => histogram.Max;

    /// <summary>The value below which the given share (0..1) of all values lies.</summary>
    public double Quantile(double share) => histogram.Quantile(share);

    /// <summary>How many values other than 0 lie between the ends, and the summed squared distance of the others to the nearer end.</summary>
    /// <remarks>Values count at the centre of their bin, so both are exact to a bin's width.</remarks>
    public (double Inside, double ClippedError) Split(double low, double high)
    {
        int first = Bin(low), last = Math.Max(first, Bin(high));
        return (counts[last] - counts[first], Distance(0, first, low) + Distance(last, counts.Length - 1, high));

        // Σ count · (centre − end)², opened so that running sums give it at once.
        double Distance(int from, int to, double end) =>
            Math.Max(0, squares[to] - squares[from] - 2 * end * (sums[to] - sums[from]) + end * end * (counts[to] - counts[from]));
    }

    /// <summary>The first bin whose centre is not below <paramref name="value"/>.</summary>
    private int Bin(double value) => (int)Math.Clamp(Math.Ceiling((value - histogram.Low) / histogram.BinWidth - 0.5), 0, counts.Length - 1);
}
