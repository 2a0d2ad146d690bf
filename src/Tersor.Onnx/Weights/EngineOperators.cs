namespace Tersor.Onnx;

/// <summary>Weights of operators in ONNX Runtime's own domain.</summary>
/// <remarks>Source: github.com/microsoft/onnxruntime, docs/ContribOperators.md.</remarks>
internal static class EngineOperators
{
    public static WeightPlace? Place(Node node, int index, ConstantOperand operand) => (node.OpType, index) switch
    {
        ("FusedConv" or "NhwcFusedConv", 1) => new(WeightRole.Weight, 0, 1, node.Int("group", 1)),
        ("FusedConv" or "NhwcFusedConv", 2) => new(WeightRole.Bias, 0),
        ("FusedGemm", 1) => node.Int("transB", 0) != 0 ? new(WeightRole.Weight, 0, 1) : new(WeightRole.Weight, 1, 0),
        ("FusedGemm", 2) => new(WeightRole.Bias, WeightPlace.OnlyAxis(operand)),
        ("FusedMatMul", 0) => Fused(node, "A", WeightPlace.MatrixLeft(operand), operand),
        ("FusedMatMul", 1) => Fused(node, "B", WeightPlace.MatrixRight(operand), operand),
        ("MatMulIntegerToFloat" or "DynamicQuantizeMatMul", 1) => WeightPlace.MatrixRight(operand),
        ("MatMulIntegerToFloat", 2 or 3) or ("DynamicQuantizeMatMul", 2) => new(WeightRole.QuantizationScale, WeightPlace.OnlyAxis(operand)),
        ("MatMulIntegerToFloat", 4 or 5) or ("DynamicQuantizeMatMul", 3) => new(WeightRole.ZeroPoint, WeightPlace.OnlyAxis(operand)),
        ("MatMulIntegerToFloat", 6) or ("DynamicQuantizeMatMul", 4) => new(WeightRole.Bias, WeightPlace.OnlyAxis(operand)),
        ("MatMulNBits", 1) => new(WeightRole.Quantized, 0),
        ("MatMulNBits", 2) => new(WeightRole.QuantizationScale, 0),
        ("MatMulNBits", 3) => new(WeightRole.ZeroPoint, 0),
        ("MatMulNBits", 5) => new(WeightRole.Bias, 0),
        ("Attention", 1) => new(WeightRole.Weight, 1, 0),
        ("Attention", 2) => new(WeightRole.Bias, 0),
        ("SkipLayerNormalization", 2) or ("SkipSimplifiedLayerNormalization", 2) or ("EmbedLayerNormalization", 5) => new(WeightRole.NormalizationScale, 0),
        ("SkipLayerNormalization", 3) or ("EmbedLayerNormalization", 6) => new(WeightRole.NormalizationOffset, 0),
        ("SkipLayerNormalization", 4) or ("SkipSimplifiedLayerNormalization", 3) or ("BiasGelu" or "FastGelu", 1) => new(WeightRole.Bias, WeightPlace.OnlyAxis(operand)),
        ("EmbedLayerNormalization", 2 or 3 or 4) => new(WeightRole.EmbeddingTable, 1, 0),
        ("DequantizeLinear", 0) => new(WeightRole.Quantized),
        ("DequantizeLinear" or "QuantizeLinear", 1) => new(WeightRole.QuantizationScale, WeightPlace.OnlyAxis(operand)),
        ("DequantizeLinear" or "QuantizeLinear", 2) => new(WeightRole.ZeroPoint, WeightPlace.OnlyAxis(operand)),
        _ => WeightPlace.Unknown(operand),
    };

    private static WeightPlace Fused(Node node, string side, WeightPlace place, ConstantOperand operand) =>
        node.Int("transBatch" + side, 0) != 0 || (node.Int("trans" + side, 0) != 0 && operand.Rank < 2) ? new(WeightRole.Weight)
        : node.Int("trans" + side, 0) != 0 ? place with { OutputAxis = place.InputAxis, InputAxis = place.OutputAxis }
        : place;
}
