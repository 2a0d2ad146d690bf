namespace Tersor.Compression.GraphOptimization;

/// <summary>Which channels <see cref="PadChannelsPass"/> adds. Immutable; change it with <c>with</c>.</summary>
public sealed record PadChannelsOptions
{
    /// <summary>What the number of channels becomes a multiple of. Default 16: as many bytes as the engine's 8-bit depthwise kernels take at a time.</summary>
    public int Multiple { get; init; } = 16;

    /// <summary>Largest growth of a number of channels, as a share of it. Default 0.4: 24 become 32, 72 become 80; 8 or 20 stay.</summary>
    public double MaxGrowth { get; init; } = 0.4;
}
