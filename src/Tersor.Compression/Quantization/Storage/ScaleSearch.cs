using Tersor.Compression.Quantization.Repair;

namespace Tersor.Compression.Quantization.Storage;

/// <summary>Scales of least squared error for weights that are only stored.</summary>
/// <remarks>With few bits the largest weights are clipped, so that the others are met more exactly. Then, with any bits, the scale is moved by up to half a step of the largest weight:
/// that clips next to nothing, but shifts how all others round, and the best of several is up to 1 dB closer on short rows.</remarks>
internal static class ScaleSearch
{
    /// <summary>With so many bits, clipping a weight costs more than the smaller step gains.</summary>
    private const int LimitWithoutClipping = 127;

    /// <summary>Scales tried to either side.</summary>
    private const int Neighbours = 8;

    /// <summary>Rows longer than this gain nothing from a moved scale: their rounding errors average out.</summary>
    private const int LongestRow = 1 << 16;

    /// <summary>One scale for each row; 1 for a row of zeros.</summary>
    /// <param name="rows">Row-major, [rows, <paramref name="length"/>].</param>
    /// <param name="length">Elements of a row.</param>
    /// <param name="start">The scales that clip nothing.</param>
    /// <param name="limit">Largest magnitude of the integers.</param>
    public static float[] Best(ReadOnlySpan<float> rows, int length, float[] start, int limit)
    {
        float[] scales = limit < LimitWithoutClipping ? WeightClipping.Scales(rows, length, limit, perTensor: false) : start;
        for (int r = 0; length <= LongestRow && r < scales.Length; r++)
            scales[r] = Refined(rows.Slice(r * length, length), scales[r], limit);
        return scales;
    }

    private static float Refined(ReadOnlySpan<float> row, float scale, int limit)
    {
        (float best, double least) = (scale, WeightClipping.Error(row, default, scale, limit));
        for (int i = -Neighbours; i <= Neighbours; i++)
        {
            float moved = (float)(scale * (1 + 0.5 * i / (Neighbours * limit)));
            if (i == 0 || !float.IsNormal(moved))
                continue;
            double error = WeightClipping.Error(row, default, moved, limit);
            if (error < least)
                (best, least) = (moved, error);
        }
        return best;
    }
}
