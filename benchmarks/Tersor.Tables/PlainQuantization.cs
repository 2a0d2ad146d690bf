using Tersor.Compression;
using Tersor.Compression.Quantization;
using Tersor.Compression.Quantization.Placement;
using Tersor.Compression.Quantization.Ranges;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Onnx.Opsets;
using Tersor.Runtime;

namespace Tersor.Tables;

/// <summary>What static quantization gives without any choice: everything that has an 8-bit form is given it, activations keep the whole range they were seen to have, weights one scale a channel.</summary>
internal static class PlainQuantization
{
    /// <param name="model">Float. Not modified.</param>
    /// <param name="calibration">Samples to learn ranges from.</param>
    /// <param name="format">What numbers; null: what suits this machine.</param>
    /// <param name="estimator">How ranges are chosen; null: from the least to the greatest value seen.</param>
    /// <param name="keepFloat">Why a node stays float, or null; null: none does.</param>
    public static Model Of(Model model, IDataSet calibration, NumberFormat? format = null, RangeEstimator? estimator = null, Func<Node, string?>? keepFloat = null)
    {
        Model copy = model.Clone();
        OpsetRaiser.Raise(copy, Math.Max(copy.Opset, QuantizeStaticPass.RequiredOpset));
        SeenShapesObserver shapes = new(copy.Graph.Inputs.Where(v => !v.IsInitializer).Concat(copy.Graph.Nodes.SelectMany(n => n.Outputs).OfType<Value>()));
        Observer.Observe(copy, calibration.Take(1), [shapes]);
        EngineRules rules = EngineRules.For(TargetMachines.Here);
        QuantizationPlacement everything = new Placer(rules, TypeOf).Everything(copy, keepFloat ?? (_ => null));
        HistogramObserver seen = new(everything.Activations());
        Observer.Observe(copy, calibration, [seen]);
        new QuantizeStaticPass(everything, new() { RangeOf = v => (estimator ?? new RangeEstimator.MinMax()).Estimate(new(seen.Histograms[v])), Format = format ?? rules.Format }).Run(copy, PassContext.None);
        return copy;

        OnnxType? TypeOf(Value value) => shapes.Seen.TryGetValue(value, out SeenShapes? shape) ? new OnnxType.Tensor(shape.ElementType, [.. shape.Shapes[0].Select(size => (Dimension)size)]) : value.Type;
    }
}
