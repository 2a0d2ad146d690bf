namespace Tersor.Compression.Quantization;

/// <summary>Which weights share one scale: a closed family.</summary>
public abstract record Granularity
{
    private Granularity()
    {
    }

    /// <summary>All of a tensor: [64,32,3,3] → one scale.</summary>
    public sealed record PerTensor : Granularity;

    /// <summary>Those of one output channel; its axis follows from the operator: a convolution's [64,32,3,3] → 64 scales.</summary>
    public sealed record PerOutputChannel : Granularity;
}
