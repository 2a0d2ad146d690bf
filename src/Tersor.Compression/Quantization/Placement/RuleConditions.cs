using Tersor.Compression.Quantization.Emission;
using Tersor.Onnx;

namespace Tersor.Compression.Quantization.Placement;

/// <summary>What a rule of the table asks of a node beyond its operator: each says why the engine has no 8-bit form of the node, or null when it has.</summary>
internal static class RuleConditions
{
    public static string? Convolution(Node node, Func<Value, OnnxType?> typeOf) => Weight(node, rank: null) ?? Bias(node);

    public static string? Gemm(Node node, Func<Value, OnnxType?> typeOf) =>
        node.Int("transA", 0) != 0 || node.Float("alpha", 1) != 1 || (node.Input(2) is not null && node.Float("beta", 1) != 1) ? "alpha, beta or transA is not the default"
        : Weight(node, rank: 2) ?? Bias(node);

    public static string? MatrixProduct(Node node, Func<Value, OnnxType?> typeOf) => Weight(node, rank: 2);

    public static string? Recurrent(Node node, Func<Value, OnnxType?> typeOf) => RecurrentWeights.Reason(node, minElements: 0);

    public static string? OnlyAffine(Node node, Func<Value, OnnxType?> typeOf) =>
        ScalarAffine.Of(node, typeOf) is null ? "it is not a positive multiple of one input plus a number" : null;

    public static string? HardSigmoid(Node node, Func<Value, OnnxType?> typeOf) => node.Float("alpha", 0.2f) <= 0 ? "its alpha is not positive" : null;

    public static string? Saturation(Node node, Func<Value, OnnxType?> typeOf) => Clipping.Of(node) is null ? "its ends are not constant, or 0 lies outside them" : null;

    public static string? NearestResize(Node node, Func<Value, OnnxType?> typeOf) =>
        node.Text("mode") is not (null or "nearest") ? $"mode is {node.Text("mode")}; the engine has 8-bit kernels for nearest"
        : node.Inputs.Skip(1).Any(v => v is not null && v.Constant is null) ? "its scales are not constant" : null;

    public static string? LastAxis(Node node, Func<Value, OnnxType?> typeOf) =>
        (typeOf(node.Outputs[0]!) as OnnxType.Tensor)?.Shape is not { } shape || node.Int("axis", -1) is var axis && axis != -1 && axis != shape.Length - 1 ? "its axis is not the last" : null;

    public static string? ConstantIndices(Node node, Func<Value, OnnxType?> typeOf) => node.Input(1)?.Constant is null ? "its indices are not constant" : null;

    public static string? ValuesOnly(Node node, Func<Value, OnnxType?> typeOf) => node.Output(1) is not null ? "its indices are read" : null;

    private static string? Weight(Node node, int? rank)
    {
        if (node.Input(1)?.Constant is not { } weight)
            return node.Input(1)?.Producer is { } producer && producer.Is("DequantizeLinear") ? "its weight is quantized already" : "its weight is not constant";
        if (weight.Type != ElementType.Float32)
            return $"its weight is {weight.Type}";
        if (!WeightQuantizer.IsFinite(weight))
            return "its weight is not finite";
        if (WeightConstraints.Reason(node.Input(1)!) is { } constrained)
            return $"its weight stays: {constrained}";
        return rank is { } expected && weight.Rank != expected ? $"its weight has {Plural.Of(weight.Rank, "dimension")}; expected {expected}" : null;
    }

    private static string? Bias(Node node)
    {
        if (node.Input(2) is not { } value)
            return null;
        if (value.Constant is not { } bias)
            return "its bias is not constant";
        long channels = node.Inputs[1]!.Constant!.Shape[QuantizedWeight.OutputAxis(node)];
        return bias.Type == ElementType.Float32 && !WeightQuantizer.IsFinite(bias) ? "its bias is not finite"
            // A column [N, 1] has as many elements as a row, and is added the other way round.
            : bias.Rank > 0 && bias.Shape[^1] != channels ? $"its bias has shape [{string.Join(", ", bias.Shape)}], not one element an output channel"
            : bias.Length != channels ? $"its bias has {Plural.Of(bias.Length, "element")}, not one an output channel"
            : null;
    }
}
