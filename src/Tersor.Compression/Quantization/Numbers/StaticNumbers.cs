using Tersor.Onnx;

namespace Tersor.Compression.Quantization;

/// <summary>The numbers a placement is written with: what was measured and chosen, apart from where 8 bits are used.</summary>
public sealed record StaticNumbers
{
    /// <summary>The range of each activation in <see cref="Placement.QuantizationPlacement.Activations"/>.</summary>
    public required Func<Value, (double Low, double High)> RangeOf { get; init; }

    /// <summary>What numbers activations and weights become.</summary>
    public NumberFormat Format { get; init; } = new();

    /// <summary>Weight scales that were chosen otherwise than by the largest magnitude, by the name of the layer's first output: one a channel, or a single one. Default: none.</summary>
    public IReadOnlyDictionary<string, float[]> WeightScales { get; init; } = new Dictionary<string, float[]>();
}
