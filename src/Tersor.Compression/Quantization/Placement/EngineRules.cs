namespace Tersor.Compression.Quantization.Placement;

/// <summary>How an operator takes part in a quantized region.</summary>
public enum RuleKind
{
    /// <summary>Multiplies activations with constant weights; the reason to quantize at all.</summary>
    Weighted,

    /// <summary>Has a fused 8-bit form with scales of its own on every input and output.</summary>
    Fused,

    /// <summary>Copies 8-bit values: input and output must share scale and zero point.</summary>
    PassThrough,

    /// <summary>clip(alpha x + beta, 0, 1): an 8-bit Add whose saturation is the clip.</summary>
    HardSigmoid,

    /// <summary>Divides by a constant: the 8-bit values stay and only their scale changes.</summary>
    Rescale,

    /// <summary>Vanishes into the saturation of the 8-bit result before it.</summary>
    Absorbed,
}

/// <summary>What the engine makes of one operator between DequantizeLinear and QuantizeLinear, and what that costs.</summary>
/// <param name="OpType">The operator.</param>
/// <param name="Kind">Its role.</param>
/// <param name="ActivationInputs">How many of its leading inputs carry activations; the rest are weights, shapes, indices.</param>
/// <param name="FloatCost">ns an output element in float (weighted operators: see <see cref="EngineRules"/>).</param>
/// <param name="QuantizedCost">ns an output element in 8 bits.</param>
public sealed record EngineRule(string OpType, RuleKind Kind, int ActivationInputs, double FloatCost, double QuantizedCost);

/// <summary>What ONNX Runtime's CPU provider fuses from Q/DQ form, as data: the placement reads this table and knows no operator by name.</summary>
/// <remarks>Costs are nanoseconds on one core with AVX-512 VNNI, ONNX Runtime 1.31. They only have to rank alternatives: what is kept is measured afterwards.</remarks>
public sealed class EngineRules
{
    private readonly Dictionary<string, EngineRule> rules;

    private EngineRules(IEnumerable<EngineRule> rules) => this.rules = rules.ToDictionary(r => r.OpType, StringComparer.Ordinal);

    /// <summary>x64 with VNNI.</summary>
    public static EngineRules X64Vnni { get; } = new(
    [
        new("Conv", RuleKind.Weighted, 1, 0, 0),
        new("MatMul", RuleKind.Weighted, 1, 0, 0),
        new("Gemm", RuleKind.Weighted, 1, 0, 0),
        new("Add", RuleKind.Fused, 2, 0.30, 0.28),
        new("Mul", RuleKind.Fused, 2, 0.30, 0.50),
        new("Div", RuleKind.Rescale, 1, 0.30, 0),
        new("Sigmoid", RuleKind.Fused, 1, 0.90, 0.62),
        new("LeakyRelu", RuleKind.Fused, 1, 0.30, 0.62),
        new("Softmax", RuleKind.Fused, 1, 2.50, 5.10),
        new("AveragePool", RuleKind.Fused, 1, 1.50, 4.00),
        new("GlobalAveragePool", RuleKind.Fused, 1, 20.0, 20.0),
        new("Concat", RuleKind.PassThrough, int.MaxValue, 0.30, 0.42),
        new("MaxPool", RuleKind.PassThrough, 1, 2.00, 1.50),
        new("Reshape", RuleKind.PassThrough, 1, 0.01, 0.01),
        new("Flatten", RuleKind.PassThrough, 1, 0.01, 0.01),
        new("Transpose", RuleKind.PassThrough, 1, 0.30, 0.22),
        new("Slice", RuleKind.PassThrough, 1, 0.20, 0.10),
        new("Split", RuleKind.PassThrough, 1, 0.20, 0.10),
        new("Squeeze", RuleKind.PassThrough, 1, 0.01, 0.01),
        new("Unsqueeze", RuleKind.PassThrough, 1, 0.01, 0.01),
        new("Gather", RuleKind.PassThrough, 1, 0.30, 0.20),
        new("Expand", RuleKind.PassThrough, 1, 0.20, 0.10),
        new("Tile", RuleKind.PassThrough, 1, 0.20, 0.10),
        new("Resize", RuleKind.PassThrough, 1, 0.50, 0.50),
        new("DepthToSpace", RuleKind.PassThrough, 1, 0.30, 0.20),
        new("HardSigmoid", RuleKind.HardSigmoid, 1, 0.40, 0.28),
        new("Relu", RuleKind.Absorbed, 1, 0.15, 0),
        new("Clip", RuleKind.Absorbed, 1, 0.20, 0),
    ]);

    /// <summary>ns an element of QuantizeLinear between a float producer and 8-bit readers.</summary>
    public double QuantizeCost { get; } = 0.26;

    /// <summary>ns an element of DequantizeLinear between an 8-bit producer and a float reader.</summary>
    public double DequantizeCost { get; } = 0.30;

    /// <summary>ns a multiply-accumulate in float, dense kernels.</summary>
    public double FloatMac { get; } = 0.030;

    /// <summary>ns a multiply-accumulate in float, depthwise convolutions.</summary>
    public double FloatDepthwiseMac { get; } = 0.11;

    /// <summary>The rule for an operator, or null when the engine runs it only in float.</summary>
    public EngineRule? Find(string opType) => rules.GetValueOrDefault(opType);

    /// <summary>Channels the 8-bit convolution kernels work on at a time; other counts are padded at run time, or slow.</summary>
    public int ChannelMultiple { get; } = 16;

    /// <summary>How many times faster an 8-bit depthwise convolution is, with channels in the multiple and otherwise.</summary>
    public (double Aligned, double Unaligned) DepthwiseGain { get; } = (0.8, 0.3);

    /// <summary>The same for a grouped convolution, by channels of a group.</summary>
    public (double Aligned, double Unaligned) GroupedGain { get; } = (1.5, 0.6);

    /// <summary>The same for a convolution over a larger window.</summary>
    public (double Aligned, double Unaligned) SpatialGain { get; } = (3.1, 2.0);

    /// <summary>The same for a 1x1 convolution with many input channels (112 and up) and with fewer.</summary>
    public (double Many, double Few) PointwiseGain { get; } = (2.5, 1.7);

    /// <summary>The same for a first convolution, with at most 4 input channels.</summary>
    public double FirstConvolutionGain { get; } = 0.32;

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
            return FirstConvolutionGain;
        return kernelSize == 1 ? inputChannels >= 112 ? PointwiseGain.Many : PointwiseGain.Few
            : inputChannels % ChannelMultiple == 0 ? SpatialGain.Aligned : SpatialGain.Unaligned;
    }

    /// <summary>How many times faster an 8-bit matrix product with constant weights is than the float one.</summary>
    public double MatrixGain { get; } = 3.0;
}
