using Tersor.Onnx;
using Tersor.Training.Libtorch;
using static TorchSharp.torch;

namespace Tersor.Training.Operators;

/// <summary>Quantization and back. Quantized values are carried as floating-point tensors that hold integers, so that gradients pass.</summary>
/// <remarks>
/// Rounding passes the gradient straight through within the range; beyond it is zero. What follows for the scale, through QuantizeLinear and DequantizeLinear, is
/// round(v) − v within the range and its ends beyond, as in Esser et al. 2020, arXiv:1902.08153, section 2.1.
/// </remarks>
internal static class Quantization
{
    public static IEnumerable<OperatorRow> Rows =>
    [
        new("QuantizeLinear", 10, QuantizeLinear),
        new("QuantizeLinear", 1, QuantizeLinear) { Domain = "com.microsoft" },
        new("DequantizeLinear", 10, DequantizeLinear),
        new("DequantizeLinear", 1, DequantizeLinear) { Domain = "com.microsoft" },
        new("DynamicQuantizeLinear", 11, c => QuantizeByRange(c[0]) is var (q, scale, zero) ? new Tensor?[] { q, scale, zero } : null!),
    ];

    /// <summary>saturate(round(x / scale) + zeroPoint), carried in floats.</summary>
    /// <param name="x">Floating-point values.</param>
    /// <param name="scale">Broadcasts against them.</param>
    /// <param name="zeroPoint">Broadcasts against them; null: 0.</param>
    /// <param name="type">The integer type.</param>
    public static Tensor Quantize(Tensor x, Tensor scale, Tensor? zeroPoint, ElementType type)
    {
        bool half = x.dtype is ScalarType.Float16 or ScalarType.BFloat16 && type.Bits() > 8; // half precision does not hold 16-bit integers
        Tensor v = (half ? x.to_type(ScalarType.Float32) : x) / scale;
        (double lowest, double highest) = Range(type);
        Tensor? zero = zeroPoint?.to_type(v.dtype);
        // The ends are integers, so that clamping first gives the same and an overflow of x / scale does no harm.
        Tensor within = zero is null ? v.clamp(lowest, highest)
            : zero.numel() == 1 && !zero.requires_grad && Number(zero) is var number ? v.clamp(lowest - number, highest - number)
            : minimum(maximum(v, lowest - zero), highest - zero);
        Tensor rounded = within.requires_grad ? within + (within.round() - within).detach() : within.round();
        return zero is null ? rounded : rounded + zero;
    }

    private static double Number(Tensor tensor) => tensor.to_type(ScalarType.Float64).item<double>();

    /// <summary>Least and greatest value of an integer type.</summary>
    public static (double Lowest, double Highest) Range(ElementType type)
    {
        bool signed = type is ElementType.Int8 or ElementType.Int16 or ElementType.Int4 or ElementType.Int2 or ElementType.Int32;
        int bits = type.Bits();
        return signed ? (-Math.ScaleB(1, bits - 1), Math.ScaleB(1, bits - 1) - 1) : (0, Math.ScaleB(1, bits) - 1);
    }

    /// <summary>The integer type a value of the model has, also where it is carried in floats.</summary>
    public static ElementType QuantizedType(OperatorCall call, int index) => call.TypeOf(call.Node.Input(index)) ?? call.Optional(index)?.dtype switch
    {
        ScalarType.Int8 => ElementType.Int8,
        ScalarType.Int16 => ElementType.Int16,
        ScalarType.Int32 => ElementType.Int32,
        _ => ElementType.UInt8,
    };

    /// <summary>Integers in the floating-point type that <paramref name="like"/> has, or as they are where floats carry them already.</summary>
    public static Tensor Floating(Tensor integers, Tensor like) => integers.is_floating_point() ? integers
        : integers.to_type(like.dtype is ScalarType.Float16 or ScalarType.BFloat16 && integers.dtype is not (ScalarType.Byte or ScalarType.Int8) ? ScalarType.Float32 : like.dtype);

    /// <summary>A scale or zero point shaped to broadcast: one for all, one per slice of the axis, or one per block along it.</summary>
    private static Tensor? Shaped(OperatorCall call, Tensor? parameter)
    {
        Tensor x = call[0];
        if (parameter is null || parameter.numel() == 1 && parameter.dim() <= x.dim())
            return parameter?.dim() > x.dim() || parameter?.dim() == 1 ? parameter.reshape([]) : parameter;
        long axis = call.Axis(call.Node.Int("axis", 1), x.dim()), block = call.Node.Int("block_size", 0);
        if (block > 0)
            return parameter.repeat_interleave(block, axis).narrow(axis, 0, x.shape[axis]);
        return parameter.dim() == 1 ? parameter.reshape([-1, .. Enumerable.Repeat(1L, (int)(x.dim() - axis - 1))]) : parameter;
    }

    private static OperatorResult QuantizeLinear(OperatorCall call)
    {
        ElementType type = (ElementType)call.Node.Int("output_dtype", 0);
        if (type == ElementType.Undefined)
            type = call.Optional(2) is null ? ElementType.UInt8 : QuantizedType(call, 2);
        Tensor scale = Shaped(call, call[1])!, x = Floating(call[0], scale);
        if (SmallFloat.Of(type) is { } format)
            return format.Round(x / scale, saturate: call.Node.Int("saturate", 1) != 0);
        return type.IsInteger() ? Quantize(x, scale, Shaped(call, call.Optional(2)), type) : throw call.Unsupported($"quantization to {type}");
    }

    private static OperatorResult DequantizeLinear(OperatorCall call)
    {
        Tensor scale = Shaped(call, call[1])!, q = Floating(call[0], scale);
        if (Shaped(call, call.Optional(2)) is { } zero)
            q = q - zero.to_type(q.dtype);
        Tensor result = q * scale;
        ScalarType type = call.Node.Int("output_dtype", 0) is var wanted and not 0 ? call.Carrier((ElementType)wanted) : scale.dtype;
        return result.dtype == type ? result : result.to_type(type);
    }

    /// <summary>Quantizes to uint8 by the range of the values. Scale and zero point are taken as given: the gradient passes straight through quantization and back.</summary>
    public static (Tensor Quantized, Tensor Scale, Tensor ZeroPoint) QuantizeByRange(Tensor x)
    {
        Tensor scale, zero;
        using (no_grad())
        {
            Tensor least = x.min().clamp_max(0), greatest = x.max().clamp_min(0);
            scale = (greatest - least) / 255;
            scale = where(scale.eq(0), ones_like(scale), scale);
            zero = (-least / scale).clamp(0, 255).round();
        }
        return (Quantize(x, scale, zero, ElementType.UInt8), scale, zero);
    }
}
