namespace Tersor.Compression.GraphOptimization;

/// <summary>How much <see cref="FoldConstantsPass"/> may compute and store. Immutable; change it with <c>with</c>.</summary>
public sealed record FoldConstantsOptions
{
    /// <summary>How far the constants may grow in all, as a ratio of what the model holds. Default 0.04: with the nodes that go, a file stays under 1.05 times its size.</summary>
    public double Growth { get; init; } = 0.04;

    /// <summary>Results of up to this many bytes may be stored whatever they replace, while <see cref="Growth"/> allows. Default 4096.</summary>
    public long SmallBytes { get; init; } = 4096;

    /// <summary>Largest intermediate result computed, in bytes. Default 256 MB.</summary>
    public long MaxResultBytes { get; init; } = 256L << 20;
}
