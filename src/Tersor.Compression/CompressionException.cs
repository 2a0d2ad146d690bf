namespace Tersor.Compression;

/// <summary>A pass that cannot do what was asked, in words the model's owner can act on.</summary>
public sealed class CompressionException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Name of the pass.</summary>
    public required string Pass { get; init; }
}
