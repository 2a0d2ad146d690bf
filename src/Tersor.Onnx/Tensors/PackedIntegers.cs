namespace Tersor.Onnx;

/// <summary>4-bit and 2-bit integers: the first element of a byte lies in its lowest bits; unused bits at the end are 0.</summary>
/// <remarks>Source: ONNX specification, IR.md, "Tensor element types".</remarks>
internal static class PackedIntegers
{
    public static byte[] Pack(ElementType type, ReadOnlySpan<int> values)
    {
        (int bits, int low, int high) = Layout(type);
        int perByte = 8 / bits;
        byte[] bytes = new byte[(values.Length + perByte - 1) / perByte];
        for (int i = 0; i < values.Length; i++)
        {
            if (values[i] < low || values[i] > high)
                throw new ArgumentException($"{values[i]} does not fit {type}, {low}..{high}.", nameof(values));
            bytes[i / perByte] |= (byte)((values[i] & (1 << bits) - 1) << i % perByte * bits);
        }
        return bytes;
    }

    public static long[] Unpack(ElementType type, ReadOnlySpan<byte> bytes, int count)
    {
        (int bits, int low, _) = Layout(type);
        int perByte = 8 / bits;
        long[] values = new long[count];
        for (int i = 0; i < count; i++)
        {
            int value = bytes[i / perByte] >> i % perByte * bits & (1 << bits) - 1;
            values[i] = low < 0 && value >= 1 << bits - 1 ? value - (1 << bits) : value;
        }
        return values;
    }

    private static (int Bits, int Low, int High) Layout(ElementType type) => type switch
    {
        ElementType.UInt4 => (4, 0, 15),
        ElementType.Int4 => (4, -8, 7),
        ElementType.UInt2 => (2, 0, 3),
        ElementType.Int2 => (2, -2, 1),
        _ => throw new ArgumentException($"{type} is not a packed integer type.", nameof(type)),
    };
}
