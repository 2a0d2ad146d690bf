using Tersor.Compression.Quantization;
using Tersor.Compression.Quantization.Placement;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Compression.Tests.Quantization;

/// <summary>Quantizes all of a small model but what is kept float, with ranges as one sample shows them.</summary>
internal static class StaticQuantization
{
    /// <param name="model">Not modified; bodies included.</param>
    /// <param name="inputs">The sample.</param>
    /// <param name="keepFloat">Why a node stays float, or null.</param>
    /// <param name="format">What numbers; null: as for this machine.</param>
    public static (Model Model, PassReport Report) Of(Model model, IReadOnlyDictionary<string, Tensor> inputs, Func<Node, string?> keepFloat, NumberFormat? format = null)
    {
        Sample[] samples = [new("one", [inputs], new Dictionary<string, Tensor>())];
        SeenShapesObserver shapes = new(model.Graph.WithNested().SelectMany(g => g.Inputs.Where(i => !i.IsInitializer).Concat(g.Nodes.SelectMany(n => n.Outputs).OfType<Value>())));
        Observer.Observe(model, samples, new Dictionary<string, string>(), [shapes]);
        InferredTypes inferred = ShapeInference.Infer(model);
        QuantizationPlacement placement = new Placer(EngineRules.X64Vnni, v => shapes.Seen.TryGetValue(v, out SeenShapes? seen)
            ? new OnnxType.Tensor(seen.ElementType, [.. seen.Shapes[0].Select(size => (Dimension)size)]) : inferred.TypeOf(v) ?? v.Type).Everything(model, keepFloat);
        MinMaxObserver ranges = new(placement.Activations());
        Observer.Observe(model, samples, new Dictionary<string, string>(), [ranges]);
        Model copy = model.Clone(out IReadOnlyDictionary<Value, Value> copies);
        Dictionary<Value, (double, double)> known = ranges.Ranges.ToDictionary(r => copies[r.Key], r => ((double)r.Value.Min, (double)r.Value.Max));
        PassReport report = new QuantizeStaticPass(placement.On(copies), new() { RangeOf = v => known[v], Format = format ?? new() }).Run(copy, PassContext.None);
        return (copy, report);
    }

    /// <summary>The operators that the engine runs, bodies included, after its own rewriting but before a change of layout.</summary>
    public static IReadOnlyList<string> Kernels(Model model)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("tersor-test-");
        string path = Path.Combine(folder.FullName, "optimized.onnx");
        new ModelSession(model, new() { Optimization = EngineOptimization.Extended, OptimizedModelPath = path }).Dispose();
        string[] operators = [.. Model.Load(path).AllNodes().Select(n => n.OpType)];
        folder.Delete(recursive: true);
        return operators;
    }
}
