using Tersor.Onnx;

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

    /// <summary>a x + b with two numbers, a positive: the 8-bit values stay, and only scale and zero point change.</summary>
    Affine,

    /// <summary>clip(alpha x + beta, 0, 1): an 8-bit Add whose saturation is the clip.</summary>
    HardSigmoid,

    /// <summary>Vanishes into the saturation of the 8-bit result before it, or is an 8-bit Add of zero whose saturation it is.</summary>
    Saturation,
}

/// <summary>What the engine makes of one operator between DequantizeLinear and QuantizeLinear, and what that costs.</summary>
/// <param name="OpType">The operator.</param>
/// <param name="Kind">Its role.</param>
/// <param name="ActivationInputs">How many of its leading inputs carry activations; the rest are weights, shapes, indices.</param>
/// <param name="FloatCost">ns an output element in float (weighted operators: see <see cref="EngineRules"/>).</param>
/// <param name="QuantizedCost">ns an output element in 8 bits.</param>
public sealed record EngineRule(string OpType, RuleKind Kind, int ActivationInputs, double FloatCost, double QuantizedCost)
{
    /// <summary>Why the engine has no 8-bit form of a node although it has one of the operator, or null when it has.</summary>
    internal Func<Node, Func<Value, OnnxType?>, string?> Refuses { get; init; } = (_, _) => null;

    /// <summary>The values it can give, where the operator alone says so: 0..1 of a Sigmoid.</summary>
    internal (double Low, double High)? Range { get; init; }

    /// <summary>Whether its 32-bit sums can be scaled to float at once, so that a float reader costs nothing.</summary>
    internal bool CanGiveFloat { get; init; }
}
