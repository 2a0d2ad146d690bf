using Tersor.Onnx;

namespace Tersor.Compression.Quantization.Placement;

/// <summary>The patterns that ONNX Runtime's CPU provider gives an 8-bit form, as data, and how far apart their parts may stand.</summary>
/// <remarks>
/// ONNX Runtime 1.31; each row is run on the engine in EngineFusionsTests. Operators that only copy (Reshape, Transpose, Slice, MaxPool, Resize ...) are not listed: they copy integers where the
/// scales before and behind are equal, which gives the same numbers.
/// </remarks>
public static class EngineFusions
{
    /// <summary>The table.</summary>
    public static IReadOnlyList<EngineFusion> All { get; } =
    [
        new("Conv", FusedInputs.First, true, "QLinearConv"),
        new("ConvTranspose", FusedInputs.First, true, "ConvTranspose of rounded weights"),
        new("Gemm", FusedInputs.First, true, "QGemm"),
        new("MatMul", FusedInputs.First, true, "QGemm") { Next = "Add" },
        new("MatMul", FusedInputs.All, false, "QLinearMatMul or MatMulIntegerToFloat"),
        new("Add", FusedInputs.All, true, "QLinearAdd"),
        new("Mul", FusedInputs.All, true, "QLinearMul"),
        new("Where", FusedInputs.AllButConstants, true, "QLinearWhere") { Activations = 1.. },
        new("Concat", FusedInputs.All, true, "QLinearConcat"),
        new("Sigmoid", FusedInputs.All, true, "QLinearSigmoid"),
        new("LeakyRelu", FusedInputs.All, true, "QLinearLeakyRelu"),
        new("Softmax", FusedInputs.All, true, "QLinearSoftmax"), // its integers wrap around beyond a range far below 1
        new("AveragePool", FusedInputs.All, true, "QLinearAveragePool"),
        new("GlobalAveragePool", FusedInputs.All, true, "QLinearGlobalAveragePool"),
    ];

    private static readonly ILookup<string, EngineFusion> ByOperator = All.ToLookup(f => f.OpType);

    /// <summary>The node that the engine would give an 8-bit form because of a QuantizeLinear behind it; null where there is none.</summary>
    /// <remarks>Other readers of the values between do not always keep it from that: it rounds weights all the same, and readers that only ask for the shape are gone when it looks.</remarks>
    /// <param name="quantizer">The QuantizeLinear.</param>
    public static Node? Before(Node quantizer)
    {
        Node next = quantizer;
        for (Value? value = quantizer.Inputs[0]; value?.Producer is { } node && ReferenceEquals(node.Graph, quantizer.Graph); value = Through(node))
        {
            if (ByOperator[node.OpType].Any(f => f.NeedsQuantizer && Matches(f, node) && (f.Next is null || next.Is(f.Next))))
                return node;
            if (Through(node) is null)
                return null;
            next = node;
        }
        return null;
    }

    /// <summary>Whether the engine has an 8-bit form of the operator when what it reads comes from DequantizeLinear.</summary>
    public static bool MayFuse(Node node) => node.IsStandard && ByOperator.Contains(node.OpType);

    /// <summary>Whether the engine gives a node an 8-bit form for what it reads, wherever its result goes.</summary>
    public static bool FusesByInputs(Node node) => ByOperator[node.OpType].Any(f => !f.NeedsQuantizer && Matches(f, node));

    private static bool Matches(EngineFusion fusion, Node node)
    {
        if (!node.IsStandard)
            return false;
        Value[] activations = [.. node.Inputs.ToArray()[fusion.Activations].OfType<Value>()];
        return fusion.Inputs switch
        {
            FusedInputs.First => activations is [var first, ..] && IsDequantized(first),
            FusedInputs.All => activations.All(IsDequantized),
            _ => activations.Any(IsDequantized) && activations.All(v => v.Constant is not null || IsDequantized(v)),
        };
    }

    /// <summary>Whether a value comes from DequantizeLinear, or will once the engine has moved conversions past what only copies.</summary>
    private static bool IsDequantized(Value value)
    {
        for (Value? current = value; current?.Producer is { } node; current = node.Inputs[0])
        {
            if (node.Is("DequantizeLinear"))
                return true;
            if (!Copies(node))
                return false;
        }
        return false;
    }

    /// <summary>What the engine sees through on the way from QuantizeLinear to the node before: copies, what it folds into a layer, and what saturation does. The value it reads; null for anything else.</summary>
    private static Value? Through(Node node) => Copies(node) || node.Is("Relu", "Clip", "BatchNormalization") ? node.Inputs[0]
        : node.Is("Mul", "Add", "Sub", "Div") && node.Inputs is [{ } left, { } right] ? left.Constant is not null ? right : right.Constant is not null ? left : null
        : null;

    private static bool Copies(Node node) => node.Is("Reshape", "Transpose", "Squeeze", "Unsqueeze", "Slice", "MaxPool", "Identity", "Dropout");
}
