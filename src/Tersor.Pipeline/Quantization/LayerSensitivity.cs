using Tersor.Compression.Quantization.Placement;
using Tersor.Onnx;

namespace Tersor.Pipeline.Quantization;

/// <summary>What quantizing one layer alone does to the outputs.</summary>
/// <param name="Layer">The layer's node, by name.</param>
/// <param name="Noise">Energy of the difference over energy of the outputs.</param>
public sealed record LayerSensitivity(string Layer, double Noise);

/// <summary>Ranks layers by the error that quantizing each of them alone causes.</summary>
/// <remarks>A layer here is a convolution or matrix product with the elementwise operators, poolings and copies that follow it up to the next one.</remarks>
internal static class SensitivityRanking
{
    /// <summary>Measures every layer of the placement, the most sensitive first.</summary>
    public static IReadOnlyList<(Node[] Nodes, LayerSensitivity Sensitivity)> Measure(CalibratedModel model, OutputNoise noise, IProgress<double>? progress, CancellationToken cancellation)
    {
        IReadOnlyList<IReadOnlyList<QuantizationUnit>> layers = Layers(model.Full);
        List<(Node[] Nodes, LayerSensitivity Sensitivity)> result = [];
        foreach (IReadOnlyList<QuantizationUnit> layer in layers)
        {
            cancellation.ThrowIfCancellationRequested();
            Model trial = model.Build(model.Full.Only(layer.Contains), out _);
            result.Add(([.. layer.Select(u => u.Anchor)], new(layer[0].Name, noise.Of(trial, cancellation))));
            progress?.Report((double)result.Count / layers.Count);
        }
        return [.. result.OrderByDescending(r => r.Sensitivity.Noise)];
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
