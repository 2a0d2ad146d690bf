namespace Tersor.Compression.GraphOptimization;

/// <summary>What <see cref="FoldBatchNormalizationPass"/> may do. Immutable; change it with <c>with</c>.</summary>
public sealed record FoldBatchNormalizationOptions
{
    /// <summary>Largest weight, in bytes, that is copied when another layer reads it too. Default 4096: beyond, the copy costs more than the node it saves.</summary>
    public long MaxCopiedBytes { get; init; } = 4096;
}
