using Tersor.Onnx;
using static TorchSharp.torch;

namespace Tersor.Training.Libtorch;

/// <summary>A floating-point format of 8 bits or fewer. libtorch's binding has none of them: their values are carried in wider floats.</summary>
/// <param name="Exponent">Bits of the exponent.</param>
/// <param name="Mantissa">Bits of the mantissa.</param>
/// <param name="Bias">Of the exponent.</param>
/// <param name="Max">Greatest finite value.</param>
/// <param name="Overflow">What a value beyond it becomes where nothing saturates; NaN or infinity, or <paramref name="Max"/> itself.</param>
/// <remarks>Source: Micikevicius et al. 2022, arXiv:2209.05433; ONNX, "Float stored in 8 bits" and "Float stored in 4 bits".</remarks>
internal sealed record SmallFloat(int Exponent, int Mantissa, int Bias, double Max, double Overflow)
{
    private static readonly SmallFloat
        E4M3FN = new(4, 3, 7, 448, double.NaN),
        E4M3FNUZ = new(4, 3, 8, 240, double.NaN),
        E5M2 = new(5, 2, 15, 57344, double.PositiveInfinity),
        E5M2FNUZ = new(5, 2, 16, 57344, double.NaN),
        E2M1 = new(2, 1, 1, 6, 6);

    /// <summary>The format of an element type; null where it is none of these.</summary>
    public static SmallFloat? Of(ElementType type) => type switch
    {
        ElementType.Float8E4M3FN => E4M3FN,
        ElementType.Float8E4M3FNUZ => E4M3FNUZ,
        ElementType.Float8E5M2 => E5M2,
        ElementType.Float8E5M2FNUZ => E5M2FNUZ,
        ElementType.Float4E2M1 => E2M1,
        _ => null,
    };

    /// <summary>Rounds to the values the format has, half to even. The gradient passes straight through within its range and is zero beyond.</summary>
    /// <param name="x">Floating-point values.</param>
    /// <param name="saturate">Values beyond the range become its ends, rather than <see cref="Overflow"/>.</param>
    public Tensor Round(Tensor x, bool saturate)
    {
        Tensor within = (double.IsFinite(Overflow) ? x.nan_to_num(0) : x).clamp(-Max, Max); // what has no infinity and saturates always has no NaN either
        Tensor rounded;
        using (no_grad())
        {
            Tensor wide = (saturate ? within : x.clamp(-4 * Max, 4 * Max)).to_type(ScalarType.Float64);
            Tensor step = wide.abs().log2().floor().clamp_min(1 - Bias).sub(Mantissa).exp2();
            rounded = (wide / step).round() * step;
            if (!saturate)
                rounded = where(rounded.abs() > Max, rounded.sign() * Overflow, rounded);
            rounded = rounded.to_type(x.dtype);
        }
        return x.requires_grad ? within + (rounded - within).detach() : rounded;
    }

    /// <summary>Rounds to powers of two, the values of Float8E8M0. The gradient passes straight through.</summary>
    /// <param name="x">Floating-point values.</param>
    /// <param name="mode">up, down or nearest.</param>
    public static Tensor RoundToPowers(Tensor x, string mode)
    {
        Tensor rounded;
        using (no_grad())
        {
            Tensor wide = x.abs().to_type(ScalarType.Float64), exponent = wide.log2();
            exponent = mode switch
            {
                "up" => exponent.ceil(),
                "down" => exponent.floor(),
                _ => where(wide >= exponent.floor().exp2() * 1.5, exponent.ceil(), exponent.floor()),
            };
            rounded = exponent.clamp(-127, 127).exp2().to_type(x.dtype);
        }
        return x.requires_grad ? x + (rounded - x).detach() : rounded;
    }

    /// <summary>The elements of a tensor of the model file.</summary>
    /// <param name="type">A format of 8 bits or fewer.</param>
    /// <param name="bytes">As they are stored.</param>
    /// <param name="count">How many elements they hold.</param>
    public static float[] Decode(ElementType type, ReadOnlySpan<byte> bytes, int count)
    {
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
        {
            int bits = type == ElementType.Float4E2M1 ? bytes[i / 2] >> 4 * (i % 2) & 0xF : bytes[i];
            values[i] = type == ElementType.Float8E8M0 ? bits == 0xFF ? float.NaN : MathF.ScaleB(1, bits - 127) : Of(type)!.Decode(bits);
        }
        return values;
    }

    private float Decode(int bits)
    {
        int sign = bits >> Exponent + Mantissa, exponent = bits >> Mantissa & (1 << Exponent) - 1, fraction = bits & (1 << Mantissa) - 1;
        bool unsignedZero = this == E4M3FNUZ || this == E5M2FNUZ; // where minus zero would be, there is NaN
        double value = exponent == 0 ? Math.ScaleB(fraction, 1 - Bias - Mantissa) : Math.ScaleB((1 << Mantissa) + fraction, exponent - Bias - Mantissa);
        if (unsignedZero && sign == 1 && exponent == 0 && fraction == 0)
            value = double.NaN;
        else if (value > Max)
            value = this == E5M2 && fraction == 0 ? double.PositiveInfinity : double.NaN;
        return (float)(sign == 1 ? -value : value);
    }
}
