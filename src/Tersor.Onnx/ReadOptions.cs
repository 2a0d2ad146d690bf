namespace Tersor.Onnx;

/// <summary>How a model file is read. Immutable; change it with <c>with</c>.</summary>
public sealed record ReadOptions
{
    /// <summary>Follow symbolic and hard links to external data, as link-based download caches need. Default: refuse them.</summary>
    public bool TrustLinks { get; init; }

    /// <summary>Do not open external data at all: sizes are believed as the model file states them. Default: open and check.</summary>
    public bool SkipExternalData { get; init; }
}
