namespace Tersor.Onnx.Roles;

/// <summary>Whether a constant operand takes positions out. How it is used decides first, then what it holds: a learned bias of attention stands at the same place.</summary>
internal static class MaskRules
{
    /// <summary>Added to a score, it leaves nothing of a position: exp(-50) is 0 in single precision beside 1.</summary>
    private const float Annihilating = -50;

    /// <summary>Beyond this a number is no weight, wherever it is added.</summary>
    private const float Vast = -1e4f;

    /// <summary>Nodes between what is added and the Softmax.</summary>
    private const int Farthest = 12;

    public static bool IsMask(Node node, int index, ConstantOperand operand, ConstantFlow constants)
    {
        Tensor tensor = operand.Constant.Tensor!;
        if (!tensor.Type.IsFloat() || tensor.Length == 0)
            return false;
        if (node.Is("Where") && index is 1 or 2)
            return tensor.Length == 1 || IsUniform(tensor) || LeadsToSoftmax(node) && Removes(tensor);
        if (IsAttentionBias(node, index))
            return Removes(tensor);
        if (tensor.Length == 1)
            return false;
        if (node.Is("Add", "Sub", "Sum"))
            return IsVast(tensor) || node.Is("Add", "Sum") && LeadsToSoftmax(node) && !IsLayerBias(node, index, operand, constants) && Removes(tensor) && !ComesFromTable(operand);
        return node.Is("Mul") && IsZeroOrOne(tensor);
    }

    /// <summary>Inputs of fused attention that are added to its scores.</summary>
    private static bool IsAttentionBias(Node node, int index) => (node.Domain, node.OpType, index) is ("" or "ai.onnx", "Attention", 3) or ("com.microsoft", "Attention", 5) or ("com.microsoft", "MultiHeadAttention", 4 or 5);

    /// <summary>Zeros, and something that is far below; or two values of which one is 0; or a straight line along positions, as distances give one. Random and learned numbers are none of them.</summary>
    private static bool Removes(Tensor tensor)
    {
        float[] values = tensor.ToFloats();
        if (values.Any(v => !float.IsFinite(v)))
            return true;
        float least = values.Min();
        return least <= 0 && values.All(v => v == 0 || v == least || v <= Annihilating) && values.Contains(0f) || IsRamp(tensor, values);
    }

    /// <summary>Whether every row is a straight line, or one that falls off to both sides of a position.</summary>
    /// <remarks>Source: Press et al. 2021, arXiv:2108.12409, section 3.</remarks>
    private static bool IsRamp(Tensor tensor, float[] values)
    {
        int length = tensor.Rank == 0 ? 0 : (int)tensor.Shape[^1];
        if (length < 3)
            return false;
        for (int row = 0; row < values.Length; row += length)
        {
            float step = values[row + 1] - values[row];
            bool turned = false;
            for (int i = 2; i < length; i++)
            {
                float next = values[row + i] - values[row + i - 1];
                if (!turned && Near(next, -step))
                    (turned, step) = (true, next);
                if (step == 0 || !Near(next, step))
                    return false;
            }
        }
        return true;

        static bool Near(float a, float b) => MathF.Abs(a - b) <= 1e-4f * MathF.Abs(b);
    }

    private static bool IsVast(Tensor tensor) => tensor.ToFloats().Any(v => !float.IsFinite(v) || v <= Vast);

    private static bool IsUniform(Tensor tensor) => tensor.ToFloats() is var values && values.All(v => v.Equals(values[0]));

    private static bool IsZeroOrOne(Tensor tensor) => tensor.ToFloats() is var values && values.All(v => v is 0 or 1) && values.Contains(0f) && values.Contains(1f);

    /// <summary>The bias of a layer whose outputs a Softmax takes: one number a channel, behind a product with a constant.</summary>
    private static bool IsLayerBias(Node node, int index, ConstantOperand operand, ConstantFlow constants) => operand.Shape.Count(d => d > 1) <= 1 && node.Inputs.Count == 2 && node.Input(1 - index)?.Producer is { } layer
        && (layer.Is("MatMul", "Gemm", "Conv", "ConvTranspose", "Einsum") || !layer.IsStandard) && layer.Inputs.OfType<Value>().Any(constants.IsConstant);

    private static bool ComesFromTable(ConstantOperand operand) => operand.Path.Any(n => n.Is("Gather"));

    private static bool LeadsToSoftmax(Node node, int depth = 0) => depth < Farthest && node.Outputs.OfType<Value>().SelectMany(o => o.Uses).Any(u => u.Node.Is("Softmax", "LogSoftmax")
        || (u.Node.Is("Add", "Mul", "Div", "Where", "Cast", "Clip", "Max", "Slice", "Concat") || ConstantOperand.IsTransparent(u.Node)) && LeadsToSoftmax(u.Node, depth + 1));
}
