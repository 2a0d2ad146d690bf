using Tersor.Compression.Quantization.Placement;
using Tersor.Pipeline.Judging;

namespace Tersor.Pipeline.Quantization;

/// <summary>What quantizing one layer, or one region of connected layers, alone does to the outputs.</summary>
/// <param name="Layer">The layer's node, by name; of a region its first layer.</param>
/// <param name="Noise">Energy of the difference over energy of the outputs.</param>
public sealed record LayerSensitivity(string Layer, double Noise)
{
    /// <summary>How many layers it is measured over: 1, or those of a region.</summary>
    public int Layers { get; init; } = 1;
}

/// <summary>A convolution or matrix product with the elementwise operators, poolings and copies that follow it up to the next one, and the error that quantizing it alone causes.</summary>
/// <param name="Units">Its units, the first first.</param>
/// <param name="Noise">Energy of the difference over energy of the outputs.</param>
internal sealed record RankedLayer(IReadOnlyList<QuantizationUnit> Units, double Noise)
{
    public string Name => Units[0].Name;
}

/// <summary>Ranks layers by the error that quantizing each of them alone causes.</summary>
/// <param name="model">The calibrated model.</param>
/// <param name="numbers">To quantize with.</param>
/// <param name="noise">Held-out samples with what outputs should be.</param>
/// <param name="cache">What was measured before.</param>
internal sealed class SensitivityRanking(CalibratedModel model, QuantizationNumbers numbers, OutputNoise noise, SensitivityCache cache)
{
    /// <summary>Measures every layer of a placement, the most sensitive first.</summary>
    public IReadOnlyList<RankedLayer> Layers(QuantizationPlacement placement, IProgress<double>? progress, CancellationToken cancellation) => Measure(placement, Layers(placement), progress, cancellation);

    /// <summary>Measures every region of several layers.</summary>
    public IReadOnlyList<RankedLayer> Regions(QuantizationPlacement placement, IProgress<double>? progress, CancellationToken cancellation) =>
        Measure(placement, [.. placement.Regions().Where(r => r.Count(u => u.IsLayer) > 1)], progress, cancellation);

    private IReadOnlyList<RankedLayer> Measure(QuantizationPlacement placement, IReadOnlyList<IReadOnlyList<QuantizationUnit>> parts, IProgress<double>? progress, CancellationToken cancellation)
    {
        List<RankedLayer> result = [];
        foreach (IReadOnlyList<QuantizationUnit> part in parts)
        {
            cancellation.ThrowIfCancellationRequested();
            result.Add(new(part, cache.Get(string.Join('\n', part.Select(u => u.Key)), () => noise.Of(model.Build(placement.Only(part.Contains), numbers, out _), cancellation))));
            progress?.Report((double)result.Count / parts.Count);
        }
        return [.. result.OrderByDescending(r => r.Noise)];
    }

    private static IReadOnlyList<IReadOnlyList<QuantizationUnit>> Layers(QuantizationPlacement placement)
    {
        List<List<QuantizationUnit>> layers = [];
        Dictionary<QuantizationUnit, List<QuantizationUnit>> layerOf = [];
        foreach (QuantizationUnit unit in placement.Units)
        {
            List<QuantizationUnit>? layer = unit.IsLayer ? null
                : unit.Inputs.Select(placement.ProducerOf).OfType<QuantizationUnit>().Select(p => layerOf.GetValueOrDefault(p)).FirstOrDefault(l => l is not null);
            if (layer is null)
                layers.Add(layer = []);
            layer.Add(unit);
            layerOf[unit] = layer;
        }
        return layers;
    }
}
