namespace Tersor.Compression.Quantization.Repair;

/// <summary>What <see cref="EqualizeLayersPass"/> does. Immutable; change it with <c>with</c>.</summary>
public sealed record EqualizeLayersOptions
{
    /// <summary>How often every group of layers is gone through at most. Default 50.</summary>
    public int MaxRounds { get; init; } = 50;

    /// <summary>Ends the rounds when no scale of the last one differs from 1 by more. Default 0.001.</summary>
    public double Tolerance { get; init; } = 1e-3;

    /// <summary>Channels whose weights are smaller than this share of the largest channel's, on either side, stay as they are: they are dead, and scaling them up would scale up their bias. Default 1e-4.</summary>
    public double DeadShare { get; init; } = 1e-4;
}
