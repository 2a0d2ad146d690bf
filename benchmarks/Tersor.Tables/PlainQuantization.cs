using Tersor.Compression;
using Tersor.Compression.Quantization;
using Tersor.Compression.Quantization.Placement;
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
    public static Model Of(Model model, IDataSet calibration)
    {
        Model copy = model.Clone();
        OpsetRaiser.Raise(copy, Math.Max(copy.Opset, QuantizeStaticPass.RequiredOpset));
        SeenShapesObserver shapes = new(copy.Graph.Inputs.Where(v => !v.IsInitializer).Concat(copy.Graph.Nodes.SelectMany(n => n.Outputs).OfType<Value>()));
        Observer.Observe(copy, calibration.Take(1), [shapes]);
        EngineRules rules = EngineRules.For(TargetMachines.Here);
        QuantizationPlacement everything = new Placer(rules, TypeOf).Everything(copy, _ => null);
        MinMaxObserver ranges = new(everything.Activations());
        Observer.Observe(copy, calibration, [ranges]);
        new QuantizeStaticPass(everything, new() { RangeOf = v => (ranges.Ranges[v].Min, ranges.Ranges[v].Max), Format = rules.Format }).Run(copy, PassContext.None);
        return copy;

        OnnxType? TypeOf(Value value) => shapes.Seen.TryGetValue(value, out SeenShapes? seen) ? new OnnxType.Tensor(seen.ElementType, [.. seen.Shapes[0].Select(size => (Dimension)size)]) : value.Type;
    }
}
