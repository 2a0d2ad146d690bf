using Tersor.Compression.Quantization;
using Tersor.Compression.Quantization.Placement;
using Tersor.Compression.Quantization.Repair;
using Tersor.Data;
using Tersor.Onnx;

namespace Tersor.Pipeline.Quantization;

/// <summary>Repairs of the integers: clipping, bias correction, adaptive rounding, for the layers of a placement. The float model stays as it is.</summary>
internal static class WeightRepairs
{
    /// <summary>Numbers with the given repairs, all made in one go from sampled inputs.</summary>
    /// <param name="repairs">Their names.</param>
    /// <param name="model">The calibrated model.</param>
    /// <param name="placement">What runs in 8 bits.</param>
    /// <param name="numbers">Without repairs.</param>
    /// <param name="data">Unlabelled samples.</param>
    /// <param name="threads">Threads of the arithmetic; the result does not depend on them. The engine runs on one, whose sums are the same everywhere.</param>
    /// <param name="progress">Told a share 0..1.</param>
    /// <param name="cancellation">Stops it.</param>
    public static QuantizationNumbers Apply(IReadOnlyCollection<string> repairs, CalibratedModel model, QuantizationPlacement placement, QuantizationNumbers numbers, IDataSet data, int threads,
        IProgress<double>? progress, CancellationToken cancellation)
    {
        if (repairs.Count == 0)
            return numbers;
        HashSet<string> layers = [.. placement.Units.Where(u => u.Rule.Kind == RuleKind.Weighted).Select(u => u.Key)];
        Model repaired = model.Model.Clone(out IReadOnlyDictionary<Value, Value> copies);
        AdaptiveRoundingResult result = AdaptiveRounding.Run(repaired, data, new()
        {
            Limit = numbers.Format.WeightLimit,
            PerTensor = numbers.Format.Weights is Granularity.PerTensor,
            ClipWeights = repairs.Contains(RepairNames.Clip),
            Round = repairs.Contains(RepairNames.Round),
            CorrectBias = repairs.Contains(RepairNames.Bias),
            KeepFloat = n => n.Output(0) is { } output && layers.Contains(output.Name) ? null : "it stays float",
            Threads = Math.Max(1, threads),
        }, progress, cancellation);
        return numbers with { WeightScales = result.WeightScales, Repaired = Changes(model.Model, copies, layers) };
    }

    /// <summary>The constants that differ, each with the layer it belongs to.</summary>
    private static IReadOnlyList<RepairedConstant> Changes(Model before, IReadOnlyDictionary<Value, Value> copies, HashSet<string> layers)
    {
        List<RepairedConstant> changes = [];
        foreach (Node node in before.Graph.WithNested().SelectMany(g => g.Nodes).Where(n => n.Output(0) is not null && copies.ContainsKey(n.Outputs[0]!)))
        {
            Node after = copies[node.Outputs[0]!].Producer!;
            // An addition behind a product without a bias of its own carries the product's.
            string? layer = layers.Contains(node.Outputs[0]!.Name) ? node.Outputs[0]!.Name : node.Inputs.OfType<Value>().Select(v => v.Name).FirstOrDefault(layers.Contains);
            if (layer is null)
                continue;
            for (int i = 0; i < after.Inputs.Count; i++)
            {
                if (after.Inputs[i]?.Constant is { } tensor && !ReferenceEquals(tensor, node.Input(i)?.Constant))
                    changes.Add(new(layer, node.Outputs[0]!.Name, i, tensor));
            }
        }
        // Found once, and then only quantized now and then.
        Dictionary<Tensor, Tensor> moved = LargeConstants.MoveOut([.. changes.Select(c => c.Tensor)]);
        return [.. changes.Select(c => c with { Tensor = moved.GetValueOrDefault(c.Tensor, c.Tensor) })];
    }
}
