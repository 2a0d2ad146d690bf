namespace Tersor.Compression.Quantization.Placement;

/// <summary>Which inputs of a node must come from DequantizeLinear for the engine to give it an 8-bit form.</summary>
public enum FusedInputs
{
    /// <summary>The first; weights and biases may be float, and the engine rounds them itself, with one scale a tensor.</summary>
    First,

    /// <summary>Every one.</summary>
    All,

    /// <summary>Every one that is not constant.</summary>
    AllButConstants,
}

/// <summary>What the engine makes of an operator behind DequantizeLinear, whether or not anybody meant it to run in 8 bits.</summary>
/// <param name="OpType">The operator.</param>
/// <param name="Inputs">What must come from DequantizeLinear.</param>
/// <param name="NeedsQuantizer">Whether the result must go to QuantizeLinear, perhaps by way of Relu or Clip.</param>
/// <param name="Kernel">What it becomes.</param>
public sealed record EngineFusion(string OpType, FusedInputs Inputs, bool NeedsQuantizer, string Kernel)
{
    /// <summary>The operator that must come next, since the engine joins the two before it looks for quantization; null for none.</summary>
    public string? Next { get; init; }

    /// <summary>Which inputs these are. Default: all; the first of Where is its condition.</summary>
    internal Range Activations { get; init; } = Range.All;
}
