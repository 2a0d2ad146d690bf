namespace Tersor.Onnx;

/// <summary>What a tensor's elements are. The numbers are those of the ONNX specification (TensorProto.DataType).</summary>
public enum ElementType
{
    /// <summary>Not stated.</summary>
    Undefined = 0,
    /// <summary>IEEE single precision.</summary>
    Float32 = 1,
    /// <summary>Unsigned 8-bit.</summary>
    UInt8 = 2,
    /// <summary>Signed 8-bit.</summary>
    Int8 = 3,
    /// <summary>Unsigned 16-bit.</summary>
    UInt16 = 4,
    /// <summary>Signed 16-bit.</summary>
    Int16 = 5,
    /// <summary>Signed 32-bit.</summary>
    Int32 = 6,
    /// <summary>Signed 64-bit.</summary>
    Int64 = 7,
    /// <summary>Byte strings, UTF-8 by convention.</summary>
    String = 8,
    /// <summary>One byte, 0 or 1.</summary>
    Bool = 9,
    /// <summary>IEEE half precision.</summary>
    Float16 = 10,
    /// <summary>IEEE double precision.</summary>
    Float64 = 11,
    /// <summary>Unsigned 32-bit.</summary>
    UInt32 = 12,
    /// <summary>Unsigned 64-bit.</summary>
    UInt64 = 13,
    /// <summary>Two singles: real, imaginary.</summary>
    Complex64 = 14,
    /// <summary>Two doubles: real, imaginary.</summary>
    Complex128 = 15,
    /// <summary>Brain float: the upper half of a single.</summary>
    BFloat16 = 16,
    /// <summary>8-bit float, 4 exponent bits, no infinities.</summary>
    Float8E4M3FN = 17,
    /// <summary>8-bit float, 4 exponent bits, no infinities, no negative zero.</summary>
    Float8E4M3FNUZ = 18,
    /// <summary>8-bit float, 5 exponent bits.</summary>
    Float8E5M2 = 19,
    /// <summary>8-bit float, 5 exponent bits, no infinities, no negative zero.</summary>
    Float8E5M2FNUZ = 20,
    /// <summary>Unsigned 4-bit, two in a byte, the first in the low half.</summary>
    UInt4 = 21,
    /// <summary>Signed 4-bit, two in a byte, the first in the low half.</summary>
    Int4 = 22,
    /// <summary>4-bit float, two in a byte, the first in the low half.</summary>
    Float4E2M1 = 23,
    /// <summary>8-bit exponent without a mantissa, used as a scale.</summary>
    Float8E8M0 = 24,
    /// <summary>Unsigned 2-bit, four in a byte, the first in the lowest bits.</summary>
    UInt2 = 25,
    /// <summary>Signed 2-bit, four in a byte, the first in the lowest bits.</summary>
    Int2 = 26,
}

/// <summary>What follows from an <see cref="ElementType"/>: its width, its family, its .NET type.</summary>
public static class ElementTypes
{
    /// <summary>Bits one element takes in <see cref="Tensor.Bytes"/>; 0 for strings and undefined.</summary>
    public static int Bits(this ElementType type) => type switch
    {
        ElementType.UInt2 or ElementType.Int2 => 2,
        ElementType.UInt4 or ElementType.Int4 or ElementType.Float4E2M1 => 4,
        ElementType.UInt8 or ElementType.Int8 or ElementType.Bool or ElementType.Float8E4M3FN or ElementType.Float8E4M3FNUZ
            or ElementType.Float8E5M2 or ElementType.Float8E5M2FNUZ or ElementType.Float8E8M0 => 8,
        ElementType.UInt16 or ElementType.Int16 or ElementType.Float16 or ElementType.BFloat16 => 16,
        ElementType.Float32 or ElementType.Int32 or ElementType.UInt32 => 32,
        ElementType.Float64 or ElementType.Int64 or ElementType.UInt64 or ElementType.Complex64 => 64,
        ElementType.Complex128 => 128,
        _ => 0,
    };

    /// <summary>True for a number ONNX defines, <see cref="ElementType.Undefined"/> excluded.</summary>
    public static bool IsDefined(this ElementType type) => type is > ElementType.Undefined and <= ElementType.Int2;

    /// <summary>True for real floating-point types of any width.</summary>
    public static bool IsFloat(this ElementType type) => type is ElementType.Float32 or ElementType.Float64 or ElementType.Float16 or ElementType.BFloat16
        or ElementType.Float8E4M3FN or ElementType.Float8E4M3FNUZ or ElementType.Float8E5M2 or ElementType.Float8E5M2FNUZ
        or ElementType.Float4E2M1 or ElementType.Float8E8M0;

    /// <summary>True for signed and unsigned integers of any width; not for bool.</summary>
    public static bool IsInteger(this ElementType type) => type is ElementType.UInt8 or ElementType.Int8 or ElementType.UInt16 or ElementType.Int16
        or ElementType.Int32 or ElementType.Int64 or ElementType.UInt32 or ElementType.UInt64
        or ElementType.UInt4 or ElementType.Int4 or ElementType.UInt2 or ElementType.Int2;

    /// <summary>Bytes that <paramref name="count"/> elements take, sub-byte types packed; 0 for strings, whose width is not fixed, and undefined.</summary>
    /// <exception cref="OverflowException">The result exceeds 2^63 - 1.</exception>
    public static long ByteLength(this ElementType type, long count)
    {
        int bits = type.Bits();
        return bits == 0 ? 0 : bits >= 8 ? checked(count * (bits / 8)) : count / (8 / bits) + (count % (8 / bits) == 0 ? 0 : 1);
    }

    /// <summary>The element type whose elements are stored as <typeparamref name="T"/>.</summary>
    /// <exception cref="ArgumentException">No ONNX type is stored as <typeparamref name="T"/>.</exception>
    public static ElementType Of<T>() where T : unmanaged =>
        typeof(T) == typeof(float) ? ElementType.Float32
        : typeof(T) == typeof(byte) ? ElementType.UInt8
        : typeof(T) == typeof(sbyte) ? ElementType.Int8
        : typeof(T) == typeof(ushort) ? ElementType.UInt16
        : typeof(T) == typeof(short) ? ElementType.Int16
        : typeof(T) == typeof(int) ? ElementType.Int32
        : typeof(T) == typeof(long) ? ElementType.Int64
        : typeof(T) == typeof(bool) ? ElementType.Bool
        : typeof(T) == typeof(Half) ? ElementType.Float16
        : typeof(T) == typeof(double) ? ElementType.Float64
        : typeof(T) == typeof(uint) ? ElementType.UInt32
        : typeof(T) == typeof(ulong) ? ElementType.UInt64
        : typeof(T) == typeof(BFloat16) ? ElementType.BFloat16
        : throw new ArgumentException($"No ONNX element type is stored as {typeof(T).Name}.");
}
