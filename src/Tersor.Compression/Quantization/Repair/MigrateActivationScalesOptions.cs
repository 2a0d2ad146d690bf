namespace Tersor.Compression.Quantization.Repair;

/// <summary>What <see cref="MigrateActivationScalesPass"/> does. Immutable; change it with <c>with</c>.</summary>
public sealed record MigrateActivationScalesOptions
{
    /// <summary>How much of the difficulty moves from activations into weights, 0..1. Default 0.5.</summary>
    public double Alpha { get; init; } = 0.5;

    /// <summary>Convolutions too, whose activations rarely need it. Default: MatMul and Gemm only.</summary>
    public bool Convolutions { get; init; }

    /// <summary>Scalar products may become products with one constant a channel, which engines compute more slowly. Default: no.</summary>
    public bool WidenScalars { get; init; }
}
