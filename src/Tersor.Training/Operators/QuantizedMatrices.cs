using static TorchSharp.torch;

namespace Tersor.Training.Operators;

/// <summary>Products of quantized matrices. Their operands are integers, or floats that carry integers, through which gradients pass.</summary>
internal static class QuantizedMatrices
{
    public static IEnumerable<OperatorRow> Rows =>
    [
        new("MatMulInteger", 10, c => Product(c[0], PerRow(c.Optional(2)), c[1], c.Optional(3))),
        new("QLinearMatMul", 10, QLinearMatMul),
        new("MatMulIntegerToFloat", 1, MatMulIntegerToFloat) { Domain = "com.microsoft" },
        new("DynamicQuantizeMatMul", 1, DynamicQuantizeMatMul) { Domain = "com.microsoft" },
    ];

    /// <summary>(a − aZero) · (b − bZero): int32 where both are integers, floats where either is carried in them.</summary>
    private static Tensor Product(Tensor a, Tensor? aZero, Tensor b, Tensor? bZero)
    {
        // Doubles hold every sum of 32 bits, and their product is the fast one.
        ScalarType type = a.is_floating_point() ? a.dtype : b.is_floating_point() ? b.dtype : ScalarType.Float64;
        Tensor left = a.to_type(type), right = b.to_type(type);
        if (aZero is not null)
            left = left - aZero.to_type(type);
        if (bZero is not null)
            right = right - bZero.to_type(type);
        Tensor product = matmul(left, right);
        return a.is_floating_point() || b.is_floating_point() ? product : product.to_type(ScalarType.Int32);
    }

    /// <summary>One value for each row.</summary>
    private static Tensor? PerRow(Tensor? parameter) => parameter is { } p && p.dim() == 1 && p.numel() > 1 ? p.unsqueeze(-1) : parameter;

    private static OperatorResult QLinearMatMul(OperatorCall call)
    {
        Tensor scale = call[1];
        Tensor product = matmul(Dequantized(0, PerRow), Dequantized(3, p => p));
        Tensor result = Quantization.Quantize(product, call[6], call[7], Quantization.QuantizedType(call, 7));
        return result;

        Tensor Dequantized(int index, Func<Tensor?, Tensor?> placed)
        {
            // Half precision would lose more than the operator's own rounding does.
            ScalarType type = scale.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
            return (call[index].to_type(type) - placed(call[index + 2])!.to_type(type)) * placed(call[index + 1])!;
        }
    }

    private static OperatorResult MatMulIntegerToFloat(OperatorCall call)
    {
        Tensor scale = call[2];
        Tensor product = Product(Quantization.Floating(call[0], scale), PerRow(call.Optional(4)), Quantization.Floating(call[1], scale), call.Optional(5)) * scale * call[3];
        return call.Optional(6) is { } bias ? product + bias : product;
    }

    /// <summary>Quantizes the left operand by its own range first.</summary>
    private static OperatorResult DynamicQuantizeMatMul(OperatorCall call)
    {
        (Tensor q, Tensor scale, Tensor zero) = Quantization.QuantizeByRange(call[0]);
        Tensor product = Product(q, zero, Quantization.Floating(call[1], scale), call.Optional(3)) * scale * call[2];
        return call.Optional(4) is { } bias ? product + bias : product;
    }
}
