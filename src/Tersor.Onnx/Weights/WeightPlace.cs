namespace Tersor.Onnx;

/// <summary>What an input of an operator is, and where its channels lie, counted at the operator's input.</summary>
internal readonly record struct WeightPlace(WeightRole Role, int? OutputAxis = null, int? InputAxis = null, long Groups = 1)
{
    /// <summary>The place of a constant operand, or null when it is no weight (a shape, an index, a threshold).</summary>
    public static WeightPlace? Of(Node node, int index, ConstantOperand operand)
    {
        WeightPlace? place = node.IsStandard ? Standard(node, index, operand)
            : node.Domain == "com.microsoft" ? EngineOperators.Place(node, index, operand)
            : Unknown(operand);
        return place is { OutputAxis: var output, InputAxis: var input } && (Outside(output) || Outside(input))
            ? place.Value with { OutputAxis = null, InputAxis = null } // a malformed model: the operand has another rank than the operator takes
            : place;

        bool Outside(int? axis) => axis is { } known && (known < 0 || known >= operand.Rank);
    }

    private static WeightPlace? Standard(Node node, int index, ConstantOperand operand) => (node.OpType, index) switch
    {
        ("Conv" or "ConvInteger" or "DeformConv", 1) or ("QLinearConv", 3) => new(WeightRole.Weight, 0, 1, node.Int("group", 1)),
        ("Conv" or "ConvTranspose", 2) or ("DeformConv", 3) or ("QLinearConv", 8) => new(WeightRole.Bias, 0),
        ("ConvTranspose", 1) => Transposed(node.Int("group", 1), operand),
        ("Gemm", 0) => node.Int("transA", 0) != 0 ? new(WeightRole.Weight, 1, 0) : new(WeightRole.Weight, 0, 1),
        ("Gemm", 1) => node.Int("transB", 0) != 0 ? new(WeightRole.Weight, 0, 1) : new(WeightRole.Weight, 1, 0),
        ("Gemm", 2) => new(WeightRole.Bias, operand.Rank > 0 && operand.Shape[^1] > 1 ? operand.Rank - 1 : OnlyAxis(operand)),
        ("MatMul" or "MatMulInteger" or "QLinearMatMul", 0) => MatrixLeft(operand),
        ("MatMul" or "MatMulInteger", 1) or ("QLinearMatMul", 3) => MatrixRight(operand),
        ("Einsum", _) => new(WeightRole.Weight),
        ("LSTM" or "GRU" or "RNN", 1) => new(WeightRole.RecurrentInputWeight, 1, 2),
        ("LSTM" or "GRU" or "RNN", 2) => new(WeightRole.RecurrentStateWeight, 1, 2),
        ("LSTM" or "GRU" or "RNN", 3) => new(WeightRole.Bias, 1),
        ("LSTM", 7) => new(WeightRole.RecurrentPeephole, 1),
        ("BatchNormalization" or "InstanceNormalization", 1) => new(WeightRole.NormalizationScale, 0),
        ("BatchNormalization" or "InstanceNormalization", 2) => new(WeightRole.NormalizationOffset, 0),
        ("BatchNormalization", 3 or 4) => new(WeightRole.Statistics, 0),
        ("GroupNormalization", 1) => new(WeightRole.NormalizationScale, node.OpsetVersion >= 21 ? 0 : null), // before, one number a group
        ("GroupNormalization", 2) => new(WeightRole.NormalizationOffset, node.OpsetVersion >= 21 ? 0 : null),
        ("LayerNormalization" or "RMSNormalization" or "SimplifiedLayerNormalization", 1) => new(WeightRole.NormalizationScale, OnlyAxis(operand)),
        ("LayerNormalization", 2) => new(WeightRole.NormalizationOffset, OnlyAxis(operand)),
        ("PRelu", 1) => new(WeightRole.Slope, OnlyAxis(operand)),
        ("Gather", 0) when IsNumeric(operand) && operand.Rank >= 2 => Embedding(node, operand),
        ("GatherND", 0) when operand.Type.IsFloat() && operand.Rank >= 2 => new(WeightRole.EmbeddingTable, null, (int)Math.Clamp(node.Int("batch_dims", 0), 0, operand.Rank - 1)),
        ("GatherElements", 0) when operand.Type.IsFloat() && operand.Rank >= 2 => Embedding(node, operand),
        ("DequantizeLinear", 0) => new(WeightRole.Quantized, QuantizationAxis(node, operand)),
        ("DequantizeLinear" or "QuantizeLinear", 1) => new(WeightRole.QuantizationScale, OnlyAxis(operand)),
        ("DequantizeLinear" or "QuantizeLinear", 2) or ("ConvInteger" or "MatMulInteger", 2 or 3) => new(WeightRole.ZeroPoint, OnlyAxis(operand)),
        ("QLinearConv" or "QLinearMatMul", 1 or 4 or 6) => new(WeightRole.QuantizationScale, OnlyAxis(operand)),
        ("QLinearConv" or "QLinearMatMul", 2 or 5 or 7) => new(WeightRole.ZeroPoint, OnlyAxis(operand)),
        ("Add" or "Sub", _) when operand.Type.IsFloat() => new(IsBias(node, index) ? WeightRole.Bias : WeightRole.Elementwise, OnlyAxis(operand)),
        ("Mul" or "Div" or "Pow" or "Min" or "Max" or "Sum" or "Mean", _) when operand.Type.IsFloat() => new(WeightRole.Elementwise, OnlyAxis(operand)),
        ("Resize" or "Upsample" or "Clip" or "Range" or "ConstantOfShape" or "NonMaxSuppression" or "Shape" or "Size", _) or ("Pad", > 0) or ("OneHot", _) => null,
        _ => Unknown(operand),
    };

    public static WeightPlace? Unknown(ConstantOperand operand) =>
        operand.Type.IsFloat() && operand.Constant.Tensor!.Length > 1 ? new(WeightRole.Other) : null;

    /// <summary>The one axis longer than 1, or null.</summary>
    public static int? OnlyAxis(ConstantOperand operand) => operand.Shape.Count(d => d != 1) switch
    {
        1 => Enumerable.Range(0, operand.Rank).First(i => operand.Shape[i] != 1),
        0 when operand.Rank == 1 => 0,
        _ => null,
    };

    public static WeightPlace MatrixLeft(ConstantOperand operand) => operand.Rank switch
    {
        0 => new(WeightRole.Weight),
        1 => new(WeightRole.Weight, null, 0),
        int rank => new(WeightRole.Weight, rank - 2, rank - 1),
    };

    public static WeightPlace MatrixRight(ConstantOperand operand) => operand.Rank switch
    {
        0 => new(WeightRole.Weight),
        1 => new(WeightRole.Weight, null, 0),
        int rank => new(WeightRole.Weight, rank - 1, rank - 2),
    };

    /// <summary>ConvTranspose, W [C, M / group, ...]: with groups, output channel g · M/group + m lies on no single axis, unless each group makes one.</summary>
    private static WeightPlace Transposed(long groups, ConstantOperand operand) => groups == 1 ? new(WeightRole.Weight, 1, 0)
        : operand.Rank > 1 && operand.Shape[0] == groups && operand.Shape[1] == 1 ? new(WeightRole.Weight, 0, null, groups)
        : new(WeightRole.Weight, null, 0, groups);

    /// <summary>As the matrix of a product with one-hot rows: the looked-up axis takes input, the other gives output.</summary>
    private static WeightPlace Embedding(Node node, ConstantOperand operand)
    {
        long axis = node.Int("axis", 0);
        int rows = (int)(axis < 0 ? axis + operand.Rank : axis);
        return new(WeightRole.EmbeddingTable, operand.Rank == 2 ? 1 - rows : null, rows);
    }

    private static int? QuantizationAxis(Node node, ConstantOperand operand)
    {
        if (node.Input(1) is not { Tensor: { Rank: 1, Length: > 1 } })
            return null;
        long axis = node.Int("axis", 1);
        return (int)(axis < 0 ? axis + operand.Rank : axis);
    }

    private static bool IsNumeric(ConstantOperand operand) => operand.Type.IsFloat() || operand.Type is ElementType.Int8 or ElementType.UInt8 or ElementType.Int4 or ElementType.UInt4;

    private static bool IsBias(Node node, int index) => node.Is("Add") && node.Input(1 - index) is { Producer: { } producer }
        && (producer.Is("Conv", "ConvTranspose", "MatMul", "Gemm", "Einsum", "DeformConv") || producer.OpType is "FusedConv" or "FusedMatMul" or "MatMulNBits");
}
