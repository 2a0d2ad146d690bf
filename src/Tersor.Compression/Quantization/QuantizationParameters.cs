namespace Tersor.Compression.Quantization;

/// <summary>x ≈ scale · (q − zeroPoint), q unsigned 8-bit.</summary>
/// <param name="Scale">Positive and finite.</param>
/// <param name="ZeroPoint">The integer that stands for 0.0, 0..255.</param>
public readonly record struct QuantizationParameters(float Scale, byte ZeroPoint)
{
    /// <summary>Smallest and largest value it can stand for.</summary>
    public (double Low, double High) Range => (Scale * (0.0 - ZeroPoint), Scale * (255.0 - ZeroPoint));

    /// <summary>Asymmetric parameters that cover a range. Zero is always exact, so the range is widened to hold it.</summary>
    /// <remarks>Source: Jacob et al. 2018, arXiv:1712.05877, section 3.</remarks>
    public static QuantizationParameters FromRange(double low, double high)
    {
        low = Math.Min(low, 0);
        high = Math.Max(high, 0);
        float scale = (float)((high - low) / 255);
        // Nothing but zeros, or nothing a normal single can divide: any scale represents it.
        if (!float.IsNormal(scale))
            return new(1, 0);
        double zeroPoint = Math.Round(-low / scale, MidpointRounding.ToEven);
        return new(scale, (byte)Math.Clamp(zeroPoint, 0, 255));
    }

    /// <summary>The integer for a value: saturate(round(x / scale) + zeroPoint), ties to even.</summary>
    public byte Quantize(float value) => (byte)Math.Clamp(MathF.Round(value / Scale, MidpointRounding.ToEven) + ZeroPoint, 0f, 255f);
}
