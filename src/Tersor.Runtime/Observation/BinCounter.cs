using System.Runtime.Intrinsics;

namespace Tersor.Runtime;

/// <summary>Counts finite floats into equal bins around 0: bin floor(x · inverseWidth) + bins / 2. Zeros are counted apart.</summary>
/// <remarks><c>inverseWidth</c> is a power of two, so the product is exact up to underflow, which only moves values within the bins next to 0.</remarks>
internal static class BinCounter
{
    private const int Block = 1024;
    private const int Tables = 4; // neighbours often fall into one bin; separate tables let their increments overlap

    /// <returns>How many values are 0.</returns>
    public static long Count(ReadOnlySpan<float> values, float inverseWidth, Span<long> counts) => Vector256.IsHardwareAccelerated && values.Length >= 256
        ? Vector(values, inverseWidth, counts)
        : Scalar(values, inverseWidth, counts);

    // Defines the result. The other path must equal it.
    internal static long Scalar(ReadOnlySpan<float> values, float inverseWidth, Span<long> counts)
    {
        long zeros = 0;
        int half = counts.Length / 2;
        foreach (float x in values)
        {
            if (x == 0)
                zeros++;
            else
                counts[(int)MathF.Floor(x * inverseWidth) + half]++;
        }
        return zeros;
    }

    internal static long Vector(ReadOnlySpan<float> values, float inverseWidth, Span<long> counts)
    {
        uint[] tables = Scratch(counts.Length * Tables);
        Span<int> places = stackalloc int[Block];
        Vector256<float> factor = Vector256.Create(inverseWidth);
        Vector256<int> half = Vector256.Create(counts.Length / 2);
        // Element i of a block goes to table i % 4: the offset of the table is added with the half.
        Vector256<int> offset = half + Vector256.Create(0, 1, 2, 3, 0, 1, 2, 3) * counts.Length;
        long zeros = 0;
        int done = 0;
        while (values.Length - done >= Block)
        {
            ReadOnlySpan<float> block = values.Slice(done, Block);
            Vector256<int> notZero = Vector256<int>.Zero;
            for (int i = 0; i < Block; i += 8)
            {
                Vector256<float> x = Vector256.Create(block.Slice(i, 8));
                notZero += Vector256.Equals(x, Vector256<float>.Zero).AsInt32();
                (Vector256.ConvertToInt32Native(Vector256.Floor(x * factor)) + offset).CopyTo(places[i..]);
            }
            int zerosHere = -Vector256.Sum(notZero);
            zeros += zerosHere;
            if (zerosHere != Block)
            {
                Increment(places, tables);
                // Zeros went into the first bin of the upper half; which table does not matter, since the tables are summed modulo 2^32.
                tables[counts.Length / 2] -= (uint)zerosHere;
            }
            done += Block;
            if (done % (Block << 20) == 0)
                Flush(tables, counts);
        }
        Flush(tables, counts);
        return zeros + Scalar(values[done..], inverseWidth, counts);
    }

    private static void Increment(ReadOnlySpan<int> places, uint[] tables)
    {
        foreach (int place in places)
            tables[place]++;
    }

    private static void Flush(uint[] tables, Span<long> counts)
    {
        int bins = counts.Length;
        for (int i = 0; i < bins; i++)
            counts[i] += unchecked(tables[i] + tables[bins + i] + tables[2 * bins + i] + tables[3 * bins + i]);
        Array.Clear(tables, 0, bins * Tables);
    }

    [ThreadStatic]
    private static uint[]? scratch;

    private static uint[] Scratch(int length)
    {
        if (scratch is null || scratch.Length < length)
            scratch = new uint[length];
        return scratch;
    }
}
