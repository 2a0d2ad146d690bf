using Tersor.Onnx;

namespace Tersor.Compression.Quantization.Placement;

/// <summary>What ONNX Runtime's CPU provider fuses from Q/DQ form on one kind of machine, as data: the placement reads this table and knows no operator by name.</summary>
/// <remarks>Costs are nanoseconds on one core with AVX-512 VNNI, ONNX Runtime 1.31. They only have to rank alternatives: what is kept is measured afterwards.</remarks>
public sealed record EngineRules
{
    private static readonly IReadOnlyDictionary<string, EngineRule> Table = new EngineRule[]
    {
        new("Conv", RuleKind.Weighted, 1, 0, 0) { Refuses = RuleConditions.Convolution },
        new("MatMul", RuleKind.Weighted, 1, 0, 0) { Refuses = RuleConditions.MatrixProduct, CanGiveFloat = true },
        new("Gemm", RuleKind.Weighted, 1, 0, 0) { Refuses = RuleConditions.Gemm, CanGiveFloat = true },
        new("LSTM", RuleKind.RunTime, 1, 0, 0) { Refuses = RuleConditions.Recurrent },
        new("Add", RuleKind.Fused, 2, 0.30, 0.28),
        new("Mul", RuleKind.Fused, 2, 0.30, 0.50),
        new("Div", RuleKind.Affine, 1, 0.30, 0) { Refuses = RuleConditions.OnlyAffine },
        new("Sub", RuleKind.Affine, 1, 0.30, 0) { Refuses = RuleConditions.OnlyAffine },
        new("Sigmoid", RuleKind.Fused, 1, 0.50, 0.62) { Range = (0, 1) },
        new("LeakyRelu", RuleKind.Fused, 1, 0.30, 0.62),
        new("Softmax", RuleKind.Fused, 1, 2.50, 5.10) { Range = (0, 1), Refuses = RuleConditions.LastAxis },
        new("AveragePool", RuleKind.Fused, 1, 1.50, 4.00),
        new("GlobalAveragePool", RuleKind.Fused, 1, 20.0, 20.0),
        new("Concat", RuleKind.PassThrough, int.MaxValue, 0.30, 0.42),
        new("MaxPool", RuleKind.PassThrough, 1, 2.00, 1.50) { Refuses = RuleConditions.ValuesOnly },
        new("Reshape", RuleKind.PassThrough, 1, 0.01, 0.01),
        new("Flatten", RuleKind.PassThrough, 1, 0.01, 0.01),
        new("Transpose", RuleKind.PassThrough, 1, 0.30, 0.22),
        new("Slice", RuleKind.PassThrough, 1, 0.20, 0.10),
        new("Split", RuleKind.PassThrough, 1, 0.20, 0.10),
        new("Squeeze", RuleKind.PassThrough, 1, 0.01, 0.01),
        new("Unsqueeze", RuleKind.PassThrough, 1, 0.01, 0.01),
        new("Gather", RuleKind.PassThrough, 1, 0.30, 0.20) { Refuses = RuleConditions.ConstantIndices },
        new("Expand", RuleKind.PassThrough, 1, 0.20, 0.10),
        new("Tile", RuleKind.PassThrough, 1, 0.20, 0.10),
        new("Resize", RuleKind.PassThrough, 1, 0.50, 0.50) { Refuses = RuleConditions.NearestResize },
        new("DepthToSpace", RuleKind.PassThrough, 1, 0.30, 0.20),
        new("HardSigmoid", RuleKind.HardSigmoid, 1, 0.50, 0.28) { Refuses = RuleConditions.HardSigmoid },
        new("Relu", RuleKind.Saturation, 1, 0.15, 0.28) { Refuses = RuleConditions.Saturation },
        new("Clip", RuleKind.Saturation, 1, 0.20, 0.28) { Refuses = RuleConditions.Saturation },
    }.ToDictionary(r => r.OpType, StringComparer.Ordinal);

    /// <summary>The machine the rules are for.</summary>
    public required TargetMachine Target { get; init; }

    /// <summary>The numbers that are fast there, and safe.</summary>
    public required NumberFormat Format { get; init; }

    /// <summary>x64 whose 8-bit dot product sums in 32 bits (AVX-512 VNNI, AVX-VNNI). Measured.</summary>
    public static EngineRules X64Vnni { get; } = new() { Target = TargetMachine.X64Vnni, Format = new() };

    /// <summary>x64 with AVX2 only. Pairs of products are added in 16 bits, which saturate with 8-bit weights: weights have 7 bits. Gains are estimates.</summary>
    public static EngineRules X64Avx2 { get; } = new()
    {
        Target = TargetMachine.X64Avx2,
        Format = new() { WeightBits = 7 },
        DepthwiseGain = (0.7, 0.3),
        GroupedGain = (1.1, 0.5),
        SpatialGain = (1.7, 1.2),
        PointwiseGain = (1.5, 1.1),
        MatrixGain = 1.7,
    };

    /// <summary>ARM64 with the dot product of signed bytes. Activations are signed. Gains are estimates.</summary>
    public static EngineRules Arm64 { get; } = new()
    {
        Target = TargetMachine.Arm64,
        Format = new() { Activations = ElementType.Int8 },
        SpatialGain = (2.5, 1.8),
        PointwiseGain = (2.2, 1.6),
        MatrixGain = 2.5,
    };

    /// <summary>The rules for a machine.</summary>
    public static EngineRules For(TargetMachine target) => target switch
    {
        TargetMachine.X64Avx2 => X64Avx2,
        TargetMachine.Arm64 => Arm64,
        _ => X64Vnni,
    };

    /// <summary>ns an element of QuantizeLinear between a float producer and 8-bit readers.</summary>
    public double QuantizeCost { get; init; } = 0.26;

    /// <summary>ns an element of DequantizeLinear between an 8-bit producer and a float reader.</summary>
    public double DequantizeCost { get; init; } = 0.30;

    /// <summary>ns that a kernel costs however small its tensors are.</summary>
    public double KernelCost { get; init; } = 900;

    /// <summary>ns that keep the engine from fusing a float node between 8-bit ones: two kernels that copy nothing.</summary>
    public double BarrierCost => 2 * KernelCost;

    /// <summary>ns a multiply-accumulate in float, dense kernels.</summary>
    public double FloatMac { get; init; } = 0.030;

    /// <summary>ns a multiply-accumulate in float, depthwise convolutions.</summary>
    public double FloatDepthwiseMac { get; init; } = 0.11;

    /// <summary>Channels the 8-bit convolution kernels work on at a time; other counts are padded at run time, or slow.</summary>
    public int ChannelMultiple { get; init; } = 16;

    /// <summary>How many times faster an 8-bit depthwise convolution is, with channels in the multiple and otherwise.</summary>
    public (double Aligned, double Unaligned) DepthwiseGain { get; init; } = (0.8, 0.3);

    /// <summary>The same for a grouped convolution, by channels of a group.</summary>
    public (double Aligned, double Unaligned) GroupedGain { get; init; } = (1.5, 0.6);

    /// <summary>The same for a convolution over a larger window.</summary>
    public (double Aligned, double Unaligned) SpatialGain { get; init; } = (3.1, 2.0);

    /// <summary>The same for a 1x1 convolution with many input channels (112 and up) and with fewer.</summary>
    public (double Many, double Few) PointwiseGain { get; init; } = (2.5, 1.7);

    /// <summary>The same for a first convolution, with at most 3 input channels, and with 4.</summary>
    public (double Three, double Four) FirstConvolutionGain { get; init; } = (0.32, 0.54);

    /// <summary>How many times faster an 8-bit matrix product with constant weights is than the float one.</summary>
    public double MatrixGain { get; init; } = 3.0;

    /// <summary>How many times faster an LSTM with 8-bit weights is than the float one.</summary>
    public double RecurrentGain { get; init; } = 2.0;

    /// <summary>The operators it has 8-bit forms of, by name.</summary>
    public IReadOnlyDictionary<string, EngineRule> Operators { get; init; } = Table;

    /// <summary>The rule for a node's operator, or null when the engine runs it only in float.</summary>
    public EngineRule? Find(Node node) => node.IsStandard ? Operators.GetValueOrDefault(node.OpType) : null;

    /// <summary>How many times faster an 8-bit convolution is than the float one.</summary>
    /// <param name="inputChannels">Channels of the input.</param>
    /// <param name="group">Number of groups; equal to the channels for a depthwise convolution.</param>
    /// <param name="kernelSize">Elements of the kernel's window.</param>
    public double ConvolutionGain(long inputChannels, long group, long kernelSize)
    {
        if (group > 1)
        {
            (double aligned, double unaligned) = group == inputChannels ? DepthwiseGain : GroupedGain;
            return (group == inputChannels ? inputChannels : inputChannels / group) % ChannelMultiple == 0 ? aligned : unaligned;
        }
        if (inputChannels <= 4)
            return inputChannels == 4 ? FirstConvolutionGain.Four : FirstConvolutionGain.Three;
        return kernelSize == 1 ? inputChannels >= 112 ? PointwiseGain.Many : PointwiseGain.Few
            : inputChannels % ChannelMultiple == 0 ? SpatialGain.Aligned : SpatialGain.Unaligned;
    }
}
