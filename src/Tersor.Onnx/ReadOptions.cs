namespace Tersor.Onnx;

/// <summary>How a model file is read. Immutable; change it with <c>with</c>.</summary>
public sealed record ReadOptions
{
    /// <summary>Follow symbolic and hard links to external data, as link-based download caches need. Default: refuse them.</summary>
    public bool TrustLinks { get; init; }

    /// <summary>Do not open external data at all: sizes are believed as the model file states them. Default: open and check.</summary>
    public bool SkipExternalData { get; init; }

    /// <summary>Take weights that the file lists as inputs, too, for plain constants, and no longer for inputs: nobody feeds them. Default: a caller may override them, so that nothing is folded from them.</summary>
    /// <remarks>Exporters of IR version 4 and up listed them for years, out of the habit of version 3, which demanded it.</remarks>
    public bool InputsAreConstants { get; init; }
}
