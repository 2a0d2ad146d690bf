using System.Numerics.Tensors;

namespace Tersor.Runtime;

/// <summary>Counts of values in a fixed number of equal bins over a symmetric range around 0 that doubles when a value falls outside.</summary>
/// <remarks>
/// The bin width is a power of two, so doubling merges neighbours exactly: the counts equal those of a histogram made with the final range from the start. Exact zeros are counted apart,
/// since after Relu they are most of the data. The smallest range starts at ±2^-100, far below any scale that matters.
/// </remarks>
public sealed class StreamingHistogram
{
    private const int LowestExponent = -100;
    private readonly long[] counts;
    private readonly int binExponent; // log2 of half the number of bins
    private int rangeExponent = LowestExponent;

    /// <summary>An empty histogram.</summary>
    /// <param name="bins">Number of bins over the whole range, negative half included: a power of two, 2..65536.</param>
    public StreamingHistogram(int bins = 4096)
    {
        if (bins is < 2 or > 65536 || !int.IsPow2(bins))
            throw new ArgumentOutOfRangeException(nameof(bins), $"{bins} bins; expected a power of two, 2..65536.");
        counts = new long[bins];
        binExponent = int.Log2(bins) - 1;
    }

    /// <summary>Finite values that are not 0, by bin: bin i holds those in [Low + i · BinWidth, Low + (i + 1) · BinWidth).</summary>
    public ReadOnlySpan<long> Counts => counts;

    /// <summary>Width of a bin: a power of two.</summary>
    public double BinWidth => Math.ScaleB(1, rangeExponent - binExponent);

    /// <summary>Lower end of the range; the upper end is -<see cref="Low"/>.</summary>
    public double Low => -Math.ScaleB(1, rangeExponent);

    /// <summary>All finite values, zeros included.</summary>
    public long Count { get; private set; }

    /// <summary>Values that are exactly 0 (either sign). They are in no bin.</summary>
    public long Zeros { get; private set; }

    /// <summary>Values that are NaN or infinite. They are in no bin.</summary>
    public long NonFinite { get; private set; }

    /// <summary>Least finite value; +∞ before the first.</summary>
    public float Min { get; private set; } = float.PositiveInfinity;

    /// <summary>Greatest finite value; -∞ before the first.</summary>
    public float Max { get; private set; } = float.NegativeInfinity;

    /// <summary>Takes values into account.</summary>
    public void Add(ReadOnlySpan<float> values)
    {
        if (values.IsEmpty)
            return;
        float min = TensorPrimitives.Min(values), max = TensorPrimitives.Max(values); // NaN when there is one
        if (!float.IsFinite(min) || !float.IsFinite(max))
        {
            float[] finite = Array.FindAll(values.ToArray(), float.IsFinite);
            NonFinite += values.Length - finite.Length;
            Add(finite);
            return;
        }
        Count += values.Length;
        Min = MathF.Min(Min, min);
        Max = MathF.Max(Max, max);
        if (min == 0 && max == 0)
        {
            Zeros += values.Length;
            return;
        }
        if (Count - Zeros == values.Length) // the first that are not all 0: nothing to merge on the way to their range
            rangeExponent = Math.Max(rangeExponent, MathF.ILogB(MathF.Max(-min, max)));
        while (min < Low || max >= -Low)
            Double();
        Zeros += BinCounter.Count(values, (float)Math.ScaleB(1, binExponent - rangeExponent), counts);
    }

    /// <summary>Adds what another histogram with as many bins counted.</summary>
    public void Add(StreamingHistogram other)
    {
        if (other.counts.Length != counts.Length)
            throw new ArgumentException($"Has {other.counts.Length} bins; expected {counts.Length}.", nameof(other));
        while (rangeExponent < other.rangeExponent)
            Double();
        int half = counts.Length / 2, shift = rangeExponent - other.rangeExponent;
        for (int i = 0; i < counts.Length; i++)
            counts[((i - half) >> Math.Min(shift, 31)) + half] += other.counts[i];
        Count += other.Count;
        Zeros += other.Zeros;
        NonFinite += other.NonFinite;
        Min = MathF.Min(Min, other.Min);
        Max = MathF.Max(Max, other.Max);
    }

    /// <summary>The value below which a share of the finite values lies, interpolated within its bin, never outside [Min, Max]; NaN when there are none.</summary>
    /// <param name="share">0..1.</param>
    public double Quantile(double share)
    {
        if (!(share is >= 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(share), $"{share}; expected 0..1.");
        if (Count == 0)
            return double.NaN;
        double rank = share * Count, below = 0;
        int half = counts.Length / 2;
        for (int i = 0; i < counts.Length; i++)
        {
            // Zeros lie at the lower end of the first bin of the upper half.
            if (i == half && Zeros > 0)
            {
                below += Zeros;
                if (below >= rank)
                    return 0;
            }
            if (counts[i] > 0 && below + counts[i] >= rank)
                return Math.Clamp(Low + BinWidth * (i + (rank - below) / counts[i]), Min, Max);
            below += counts[i];
        }
        return Max;
    }

    private void Double()
    {
        rangeExponent++;
        if (counts.AsSpan().IndexOfAnyExcept(0L) < 0)
            return;
        int half = counts.Length / 2;
        for (int i = 0; i < half; i++)
        {
            // From the centre outwards, so that nothing is read after it was overwritten.
            long up = i < half / 2 ? counts[half + 2 * i] + counts[half + 2 * i + 1] : 0;
            long down = i < half / 2 ? counts[half - 1 - 2 * i] + counts[half - 2 - 2 * i] : 0;
            counts[half + i] = up;
            counts[half - 1 - i] = down;
        }
    }
}
