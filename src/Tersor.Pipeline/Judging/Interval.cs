using MathNet.Numerics.Distributions;

namespace Tersor.Pipeline.Judging;

/// <summary>A figure measured on samples, and the range that holds its true value in 95 of 100 cases.</summary>
/// <param name="Value">The figure itself.</param>
/// <param name="Low">Lower end; -∞ where the samples are too few to tell.</param>
/// <param name="High">Upper end; +∞ where the samples are too few to tell.</param>
public sealed record Interval(double Value, double Low, double High)
{
    private const double Confidence = 0.95;

    /// <summary>Half the width of the range.</summary>
    public double HalfWidth => (High - Low) / 2;

    /// <summary>From the spread of what single samples gave (Student's t).</summary>
    /// <param name="value">The figure.</param>
    /// <param name="error">Its standard error.</param>
    /// <param name="samples">How many samples there were.</param>
    internal static Interval Of(double value, double error, int samples)
    {
        if (double.IsInfinity(value)) // one sample was, whatever the others are
            return new(value, value, value);
        double half = samples < 2 ? double.PositiveInfinity : error == 0 ? 0 : error * StudentT.InvCDF(0, 1, samples - 1, (1 + Confidence) / 2);
        return new(value, value - half, value + half);
    }
}

/// <summary>The mean of what single samples gave, taken one after the other (Welford 1962).</summary>
internal sealed class RunningMean
{
    private double squares, changes;

    /// <summary>How many there were.</summary>
    public int Count { get; private set; }

    /// <summary>How many were not zero.</summary>
    public int Changed { get; private set; }

    /// <summary>Their mean; NaN before the first.</summary>
    public double Mean { get; private set; } = double.NaN;

    /// <summary>Takes one into account.</summary>
    public void Add(double value)
    {
        Count++;
        double before = Count == 1 ? 0 : Mean;
        Mean = double.IsInfinity(before) ? before : before + (value - before) / Count;
        squares += (value - before) * (value - Mean);
        Changed += value == 0 ? 0 : 1;
        changes += Math.Abs(value);
    }

    /// <summary>Variance of the mean.</summary>
    public double ErrorSquared => Count < 2 ? double.PositiveInfinity : squares / (Count - 1) / Count;

    /// <summary>The mean with its interval.</summary>
    public Interval Interval() => Judging.Interval.Of(Mean, Math.Sqrt(ErrorSquared), Count);

    /// <summary>The same of differences that are zero wherever an answer did not change: as though one answer more had changed to either side, so that few changes, or none, do not look like certainty.</summary>
    /// <param name="value">The figure; the mean of the differences is near it.</param>
    /// <param name="one">What one answer that changes amounts to, where none has.</param>
    /// <remarks>Source: Bonett and Price 2012, Journal of Educational and Behavioral Statistics 37(4), 479–488.</remarks>
    public Interval OfChanges(double value, double one)
    {
        double each = (Changed == 0 ? one : changes / Changed) / (Count + 2);
        return Judging.Interval.Of(value, Math.Sqrt(ErrorSquared + 2 * each * each), Count);
    }
}
