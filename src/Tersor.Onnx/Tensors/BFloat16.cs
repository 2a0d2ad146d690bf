namespace Tersor.Onnx;

/// <summary>Brain float: sign, 8 exponent bits, 7 mantissa bits - the upper half of a single.</summary>
/// <param name="Bits">The 16 bits as stored.</param>
public readonly record struct BFloat16(ushort Bits)
{
    /// <summary>Exact.</summary>
    public static explicit operator float(BFloat16 value) => BitConverter.UInt32BitsToSingle((uint)value.Bits << 16);

    /// <summary>Rounds to nearest, ties to even; a NaN stays a (quiet) NaN.</summary>
    public static explicit operator BFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        if (float.IsNaN(value))
            return new((ushort)(bits >> 16 | 0x40));
        return new((ushort)(bits + 0x7FFF + (bits >> 16 & 1) >> 16));
    }
}
