namespace Tersor.Compression.GraphOptimization;

/// <summary>What <see cref="RecognizeAttentionPass"/> may do. Immutable; change it with <c>with</c>.</summary>
public sealed record RecognizeAttentionOptions
{
    /// <summary>Leave attention as it is: the operator for all of it is one of ONNX Runtime's own. Default: no.</summary>
    public bool StandardOperatorsOnly { get; init; }
}
