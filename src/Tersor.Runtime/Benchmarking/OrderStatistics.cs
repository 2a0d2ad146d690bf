using MathNet.Numerics.Distributions;

namespace Tersor.Runtime;

/// <summary>A median and an interval that holds the true one with at least 95 % confidence, whatever the distribution.</summary>
/// <param name="Median">Middle of the measured values.</param>
/// <param name="Low">Lower end; NaN with fewer than 6 values, which cannot give such an interval.</param>
/// <param name="High">Upper end; NaN with fewer than 6 values.</param>
public readonly record struct MedianInterval(double Median, double Low, double High);

/// <summary>Medians, percentiles and their intervals from sorted measurements.</summary>
/// <remarks>
/// The number of values below the true median follows Binomial(n, 1/2), so the k-th smallest and k-th greatest enclose it with probability 1 - 2·P(X &lt; k).
/// Source: Conover 1999, Practical Nonparametric Statistics, 3rd edition, section 3.2.
/// </remarks>
public static class OrderStatistics
{
    /// <summary>The median with its 95 % confidence interval.</summary>
    public static MedianInterval Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        if (sorted.Length == 0)
            throw new ArgumentException("No values.", nameof(values));
        int k = 0;
        while (2 * (k + 1) <= sorted.Length && Binomial.CDF(0.5, sorted.Length, k) <= 0.025)
            k++;
        return k == 0 ? new(Percentile(sorted, 0.5), double.NaN, double.NaN) : new(Percentile(sorted, 0.5), sorted[k - 1], sorted[^k]);
    }

    /// <summary>A percentile, interpolated between neighbours.</summary>
    /// <param name="sorted">Ascending.</param>
    /// <param name="share">0..1.</param>
    public static double Percentile(IReadOnlyList<double> sorted, double share)
    {
        double place = share * (sorted.Count - 1);
        int low = (int)place;
        return low + 1 < sorted.Count ? sorted[low] + (place - low) * (sorted[low + 1] - sorted[low]) : sorted[low];
    }
}
