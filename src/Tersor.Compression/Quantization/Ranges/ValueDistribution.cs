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
    /// <param name="sampleAverage">Average of the ranges of single samples, as <see cref="SampleRangeObserver"/> finds it; null where it was not observed.</param>
    public ValueDistribution(StreamingHistogram histogram, (double Low, double High)? sampleAverage = null)
    {
        this.histogram = histogram;
        SampleAverage = sampleAverage;
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

    /// <summary>Average of the ranges of single samples; null where it was not observed.</summary>
    public (double Low, double High)? SampleAverage { get; }

    /// <summary>Width of a bin of the histogram.</summary>
    internal double BinWidth => histogram.BinWidth;

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

    /// <summary>Kullback-Leibler divergence, in nats, of the values clipped to a range from their 8-bit stand-ins in it. Exact zeros are left out.</summary>
    /// <remarks>P: counts by bin, what lies outside added to the outermost bins inside. Q: the counts inside, those of one integer spread evenly over its bins that hold any.
    /// A ten-thousandth of Q is spread over all those bins, so that outliers in a bin that is empty otherwise cost much but not everything.</remarks>
    internal double Divergence(double low, double high)
    {
        const double Smoothing = 1e-4;
        int first = Bin(low), last = Bin(high);
        double total = counts[^1], inside = counts[last] - counts[first], scale = (high - low) / 255;
        if (total == 0 || scale <= 0)
            return 0;
        if (inside == 0)
            return double.PositiveInfinity;
        int used = 0;
        for (int bin = first; bin < last; bin++)
            used += P(bin) > 0 ? 1 : 0;
        double sum = 0;
        for (int from = first, to; from < last; from = to)
        {
            double level = Level(from);
            int filled = 0;
            for (to = from; to < last && Level(to) == level; to++)
                filled += counts[to + 1] > counts[to] ? 1 : 0;
            double share = filled == 0 ? 0 : (counts[to] - counts[from]) / filled / inside;
            for (int bin = from; bin < to; bin++)
            {
                double p = P(bin) / total, q = (1 - Smoothing) * (counts[bin + 1] > counts[bin] ? share : 0) + Smoothing / used;
                if (p > 0)
                    sum += p * Math.Log(p / q);
            }
        }
        return sum;

        double P(int bin) => counts[bin + 1] - counts[bin] + (bin == first ? counts[first] : 0) + (bin == last - 1 ? counts[^1] - counts[last] : 0);

        double Level(int bin) => Math.Round((histogram.Low + (bin + 0.5) * histogram.BinWidth) / scale);
    }

    /// <summary>The first bin whose centre is not below <paramref name="value"/>.</summary>
    private int Bin(double value) => (int)Math.Clamp(Math.Ceiling((value - histogram.Low) / histogram.BinWidth - 0.5), 0, counts.Length - 1);
}
