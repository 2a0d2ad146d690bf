using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Tersor.Compression.Numerics;

/// <summary>Sums of single-precision numbers in one order, whatever registers the processor has: the same numbers give the same bits on every machine.</summary>
/// <remarks>32 partial sums, element i into sum i mod 32, added up from the first to the last; products and sums are rounded apart. Where there are no such registers the same lanes are computed one by one.</remarks>
internal static class OrderedSum
{
    private const int Lanes = 32;

    /// <summary>Σ a · b.</summary>
    public static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        ReadOnlySpan<Vector256<float>> left = MemoryMarshal.Cast<float, Vector256<float>>(a), right = MemoryMarshal.Cast<float, Vector256<float>>(b[..a.Length]);
        Vector256<float> s0 = default, s1 = default, s2 = default, s3 = default;
        int i = 0;
        for (; i <= left.Length - 4; i += 4)
        {
            s0 += left[i] * right[i];
            s1 += left[i + 1] * right[i + 1];
            s2 += left[i + 2] * right[i + 2];
            s3 += left[i + 3] * right[i + 3];
        }
        Span<float> sums = stackalloc float[Lanes];
        s0.CopyTo(sums);
        s1.CopyTo(sums[8..]);
        s2.CopyTo(sums[16..]);
        s3.CopyTo(sums[24..]);
        for (int k = i * 8; k < a.Length; k++)
            sums[k % Lanes] += a[k] * b[k];
        return Total(sums);
    }

    /// <summary>The elements, from the first to the last.</summary>
    public static float Total(Vector256<float> lanes)
    {
        Span<float> sums = stackalloc float[8];
        lanes.CopyTo(sums);
        return Total(sums);
    }

    private static float Total(ReadOnlySpan<float> sums)
    {
        float total = 0;
        foreach (float sum in sums)
            total += sum;
        return total;
    }
}
