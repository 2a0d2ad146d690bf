using Tersor.Compression.Quantization.Placement;

namespace Tersor.Pipeline.Quantization;

/// <summary>What quantizing one layer alone does to the outputs.</summary>
/// <param name="Layer">The layer's node, by name.</param>
/// <param name="Noise">Energy of the difference over energy of the outputs.</param>
public sealed record LayerSensitivity(string Layer, double Noise);

/// <summary>A convolution or matrix product with the elementwise operators, poolings and copies that follow it up to the next one, and the error that quantizing it alone causes.</summary>
/// <param name="Units">Its units, the first first.</param>
/// <param name="Noise">Energy of the difference over energy of the outputs.</param>
internal sealed record RankedLayer(IReadOnlyList<QuantizationUnit> Units, double Noise)
{
    public string Name => Units[0].Name;
}

/// <summary>Ranks layers by the error that quantizing each of them alone causes.</summary>
internal static class SensitivityRanking
{
    /// <summary>Measures every layer of a placement, the most sensitive first.</summary>
    public static IReadOnlyList<RankedLayer> Measure(CalibratedModel model, QuantizationPlacement placement, QuantizationNumbers numbers, OutputNoise noise, IProgress<double>? progress, CancellationToken cancellation)
    {
        IReadOnlyList<IReadOnlyList<QuantizationUnit>> layers = Layers(placement);
        List<RankedLayer> result = [];
        foreach (IReadOnlyList<QuantizationUnit> layer in layers)
        {
            cancellation.ThrowIfCancellationRequested();
            result.Add(new(layer, noise.Of(model.Build(placement.Only(layer.Contains), numbers, out _), cancellation)));
            progress?.Report((double)result.Count / layers.Count);
        }
        return [.. result.OrderByDescending(r => r.Noise)];
    }

    private static IReadOnlyList<IReadOnlyList<QuantizationUnit>> Layers(QuantizationPlacement placement)
    {
        List<List<QuantizationUnit>> layers = [];
        Dictionary<QuantizationUnit, List<QuantizationUnit>> layerOf = [];
        foreach (QuantizationUnit unit in placement.Units)
        {
            List<QuantizationUnit>? layer = unit.Rule.Kind == RuleKind.Weighted ? null
                : unit.Inputs.Select(placement.ProducerOf).OfType<QuantizationUnit>().Select(p => layerOf.GetValueOrDefault(p)).FirstOrDefault(l => l is not null);
            if (layer is null)
                layers.Add(layer = []);
            layer.Add(unit);
            layerOf[unit] = layer;
        }
        return layers;
    }
}
