using Tersor.Onnx;
using Tensor = Tersor.Onnx.Tensor;

namespace Tersor.Compression.Quantization;

/// <summary>x ≈ scale · (q − zeroPoint), q an integer of one type.</summary>
/// <param name="Scale">Positive and finite.</param>
/// <param name="ZeroPoint">The integer that stands for 0.0.</param>
/// <param name="Type">UInt4, UInt8, Int8, UInt16 or Int16.</param>
public readonly record struct QuantizationParameters(float Scale, int ZeroPoint, ElementType Type = ElementType.UInt8)
{
    /// <summary>Smallest and largest integer of a type.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not a type activations are quantized to.</exception>
    public static (int Least, int Greatest) Integers(ElementType type) => type switch
    {
        ElementType.UInt4 => (0, 15),
        ElementType.UInt8 => (0, 255),
        ElementType.Int8 => (-128, 127),
        ElementType.UInt16 => (0, 65535),
        ElementType.Int16 => (-32768, 32767),
        _ => throw new ArgumentOutOfRangeException(nameof(type), $"{type}; expected UInt4, UInt8, Int8, UInt16 or Int16."),
    };

    /// <summary>The type that holds integers of another while a model runs: no engine has kernels for UInt4, which is the first sixteen of UInt8.</summary>
    public static ElementType Carrier(ElementType type) => type == ElementType.UInt4 ? ElementType.UInt8 : type;

    /// <summary>Smallest and largest value it can stand for.</summary>
    public (double Low, double High) Range
    {
        get
        {
            (int least, int greatest) = Integers(Type);
            return (Scale * ((double)least - ZeroPoint), Scale * ((double)greatest - ZeroPoint));
        }
    }

    /// <summary>Asymmetric parameters that cover a range. Zero is always exact, so the range is widened to hold it.</summary>
    /// <remarks>Source: Jacob et al. 2018, arXiv:1712.05877, section 3.</remarks>
    public static QuantizationParameters FromRange(double low, double high, ElementType type = ElementType.UInt8)
    {
        low = Math.Min(low, 0);
        high = Math.Max(high, 0);
        (int least, int greatest) = Integers(type);
        float scale = (float)((high - low) / (greatest - least));
        // Nothing but zeros, or nothing a normal single can divide: any scale represents it.
        if (!float.IsNormal(scale))
            return new(1, least, type);
        double zeroPoint = least + Math.Round(-low / scale, MidpointRounding.ToEven);
        return new(scale, (int)Math.Clamp(zeroPoint, least, greatest), type);
    }

    /// <summary>Parameters whose range is symmetric around zero: the zero point is the middle of the type's integers.</summary>
    public static QuantizationParameters Symmetric(double low, double high, ElementType type = ElementType.UInt8)
    {
        (int least, int greatest) = Integers(type);
        int middle = least + (greatest - least + 1) / 2;
        float scale = (float)(Math.Max(-low, high) / (greatest - middle));
        return new(float.IsNormal(scale) ? scale : 1, middle, type);
    }

    /// <summary>The integer for a value: saturate(round(x / scale) + zeroPoint), ties to even; NaN gives the least.</summary>
    public int Quantize(float value)
    {
        (int least, int greatest) = Integers(Type);
        return (int)Math.Clamp(MathF.Round(value / Scale, MidpointRounding.ToEven) + ZeroPoint, least, greatest);
    }

    /// <summary>The zero point as a scalar of the type that carries it.</summary>
    public Tensor ZeroPointTensor() => Carrier(Type) switch
    {
        ElementType.UInt8 => Tensor.Scalar((byte)ZeroPoint),
        ElementType.Int8 => Tensor.Scalar((sbyte)ZeroPoint),
        ElementType.UInt16 => Tensor.Scalar((ushort)ZeroPoint),
        _ => Tensor.Scalar((short)ZeroPoint),
    };

    /// <summary>The integers for a Float32 tensor.</summary>
    internal Tensor Quantize(Tensor values)
    {
        int[] integers = new int[values.Length];
        ReadOnlySpan<float> source = values.Span<float>();
        for (int i = 0; i < integers.Length; i++)
            integers[i] = Quantize(source[i]);
        ReadOnlySpan<long> shape = values.Shape.AsSpan();
        return Carrier(Type) switch
        {
            ElementType.UInt8 => Tensor.Create(shape, Array.ConvertAll(integers, q => (byte)q)),
            ElementType.Int8 => Tensor.Create(shape, Array.ConvertAll(integers, q => (sbyte)q)),
            ElementType.UInt16 => Tensor.Create(shape, Array.ConvertAll(integers, q => (ushort)q)),
            _ => Tensor.Create(shape, Array.ConvertAll(integers, q => (short)q)),
        };
    }
}
