namespace Tersor.Onnx;

/// <summary>One dimension of a declared shape: a size, a name shared by equal dimensions, or unknown.</summary>
/// <param name="Size">Number of elements, or null when it is not fixed.</param>
/// <param name="Symbol">Name of a dimension that is not fixed, or null.</param>
/// <param name="Denotation">The meaning the file gives it (DATA_BATCH, DATA_CHANNEL ...), or null.</param>
public readonly record struct Dimension(long? Size, string? Symbol = null, string? Denotation = null)
{
    /// <summary>A dimension of fixed size.</summary>
    public static implicit operator Dimension(long size) => new(size);

    /// <summary>A dimension known by name only.</summary>
    public static implicit operator Dimension(string symbol) => new(null, symbol);

    /// <summary>The size, the name, or <c>?</c>.</summary>
    public override string ToString() => Size?.ToString() ?? Symbol ?? "?";
}
