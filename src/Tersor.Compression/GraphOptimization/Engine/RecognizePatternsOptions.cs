namespace Tersor.Compression.GraphOptimization;

/// <summary>What <see cref="RecognizePatternsPass"/> may do. Immutable; change it with <c>with</c>.</summary>
public sealed record RecognizePatternsOptions
{
    /// <summary>The operator set the model may be raised to where it has a recognized operator and the model's own has not. Default 17, which has LayerNormalization; 0 never raises.</summary>
    public long MaxOpset { get; init; } = 17;
}
