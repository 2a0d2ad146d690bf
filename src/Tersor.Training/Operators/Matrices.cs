using static TorchSharp.torch;

namespace Tersor.Training.Operators;

/// <summary>Products of matrices and other operators on them.</summary>
internal static class Matrices
{
    public static IEnumerable<OperatorRow> Rows =>
    [
        new("MatMul", 1, c => matmul(c[0], c[1])),
        new("Gemm", 1, Gemm),
        new("Einsum", 12, c => einsum(c.Node.Text("equation") ?? throw c.Bad("has no equation"), c.All())),
        new("Det", 11, c => det(c[0])),
        new("Trilu", 14, c => Trilu(c[0], c.Optional(1) is null ? 0 : c.Longs(1)[0], c.Node.Int("upper", 1) != 0)),
        new("EyeLike", 9, c => ones(c[0].shape, c.Node.Int("dtype") is { } type ? c.Carrier((Onnx.ElementType)type) : c[0].dtype) is var all
            ? all.triu(c.Node.Int("k", 0)).tril(c.Node.Int("k", 0)) : null),
        new("Inverse", 1, c => linalg.inv(c[0])) { Domain = "com.microsoft" },
        new("FusedMatMul", 1, FusedMatMul) { Domain = "com.microsoft" },
    ];

    private static Tensor Trilu(Tensor x, long diagonal, bool upper) => upper ? x.triu(diagonal) : x.tril(diagonal);

    /// <summary>alpha · A' · B' + beta · C; C is left out, or broadcast.</summary>
    private static OperatorResult Gemm(OperatorCall call)
    {
        Tensor a = call.Node.Int("transA", 0) != 0 ? call[0].t() : call[0], b = call.Node.Int("transB", 0) != 0 ? call[1].t() : call[1];
        float alpha = call.Node.Float("alpha", 1), beta = call.Node.Float("beta", 1);
        if (call.Optional(2) is { } c && beta != 0)
            return addmm(c, a, b, beta, alpha);
        Tensor product = a.mm(b);
        return alpha == 1 ? product : product * alpha;
    }

    private static OperatorResult FusedMatMul(OperatorCall call)
    {
        Tensor product = matmul(Operand(0, "transA", "transBatchA"), Operand(1, "transB", "transBatchB"));
        float alpha = call.Node.Float("alpha", 1);
        return alpha == 1 ? product : product * alpha;

        Tensor Operand(int index, string transposed, string batchTransposed)
        {
            Tensor operand = call[index];
            if (call.Node.Int(batchTransposed, 0) != 0) // the batch stands next to last
                operand = operand.movedim([0], [operand.dim() - 2]);
            return call.Node.Int(transposed, 0) != 0 && operand.dim() > 1 ? operand.transpose(-2, -1) : operand;
        }
    }
}
