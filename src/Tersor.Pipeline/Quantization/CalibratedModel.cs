using Tersor.Compression;
using Tersor.Compression.Quantization;
using Tersor.Compression.Quantization.Placement;
using Tersor.Compression.Quantization.Ranges;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Pipeline.Quantization;

/// <summary>A float model, what is known about its values, and the quantized models that follow: measured once, built from as often as needed.</summary>
internal sealed class CalibratedModel
{
    private readonly Model model;
    private readonly Placer placer;
    private readonly Dictionary<Value, (double Low, double High)> ranges;

    private CalibratedModel(Model model, Placer placer, Dictionary<Value, (double Low, double High)> ranges, QuantizationPlacement full)
    {
        (this.model, this.placer, this.ranges, Full) = (model, placer, ranges, full);
    }

    /// <summary>The placement with nothing kept float by choice.</summary>
    public QuantizationPlacement Full { get; }

    /// <summary>Runs the calibration set once to learn the ranges, after one sample to learn types and shapes.</summary>
    /// <param name="model">Float, in an operator set that has Q/DQ. It must not change afterwards.</param>
    /// <param name="data">The calibration set.</param>
    /// <param name="settings">Range estimator, engine threads, nodes kept float.</param>
    /// <param name="keepFloat">Nodes kept float by the user.</param>
    /// <param name="progress">Told after every sample, as a share 0..1.</param>
    /// <param name="cancellation">Stops it.</param>
    public static CalibratedModel Calibrate(Model model, IDataSet data, QuantizeSettings settings,
        Func<Node, string?> keepFloat, IProgress<double>? progress, CancellationToken cancellation)
    {
        ObserverSettings observer = new() { Session = new() { Threads = settings.Threads } };
        SeenShapesObserver shapes = new(model.Graph.WithNested().SelectMany(g => g.Inputs.Where(v => !v.IsInitializer).Concat(g.Nodes.SelectMany(n => n.Outputs).OfType<Value>())));
        Observer.Observe(model, data.Take(1), [shapes], observer, cancellation: cancellation);
        InferredTypes inferred = ShapeInference.Infer(model);
        Placer placer = new(EngineRules.X64Vnni, TypeOf);
        QuantizationPlacement full = placer.Place(model, keepFloat);

        HistogramObserver histograms = new(full.Activations());
        Observer.Observe(model, data, [histograms], observer, new ObservationShare(data.Count, progress), cancellation);
        Dictionary<Value, (double Low, double High)> ranges = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);
        foreach ((Value value, StreamingHistogram histogram) in histograms.Histograms)
        {
            ValueDistribution distribution = new(histogram);
            if (distribution.HasValues)
                ranges[value] = settings.Ranges.Estimate(distribution);
        }
        Dictionary<Node, string> noRange = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Node>);
        foreach (QuantizationUnit unit in full.Units)
        {
            StreamingHistogram[] seen = [.. unit.Inputs.Concat(unit.Outputs).Select(v => histograms.Histograms.GetValueOrDefault(v)).OfType<StreamingHistogram>()];
            if (seen.Any(h => h.NonFinite > 0))
                noRange[unit.Anchor] = "on the calibration set it reads or gives NaN or infinities, for which there is no integer";
            else if (seen.Any(h => h.Count == 0)) // a branch no sample took
                noRange[unit.Anchor] = "no calibration sample reached it";
        }
        if (noRange.Count > 0)
            full = placer.Place(model, n => keepFloat(n) ?? noRange.GetValueOrDefault(n));
        return new(model, placer, ranges, full);

        // As seen; what no sample reached, as far as it can be inferred.
        OnnxType? TypeOf(Value value) => shapes.Seen.TryGetValue(value, out SeenShapes? seen)
            ? new OnnxType.Tensor(seen.ElementType, [.. seen.Shapes[0].Select(size => (Dimension)size)])
            : inferred.TypeOf(value) ?? value.Type;
    }

    /// <summary>The best placement that leaves the given nodes float.</summary>
    public QuantizationPlacement PlaceWithout(IReadOnlyDictionary<Node, string> keepFloat)
    {
        HashSet<Node> never = [.. Full.Units.Select(u => u.Anchor)];
        Dictionary<Node, string> other = Full.Units.Where(u => keepFloat.ContainsKey(u.Anchor)).ToDictionary(u => u.Anchor, u => keepFloat[u.Anchor]);
        return placer.Place(model, n => other.GetValueOrDefault(n) ?? (never.Contains(n) ? null : "is float in the placement this one is derived from"));
    }

    /// <summary>A quantized copy of the model.</summary>
    public Model Build(QuantizationPlacement placement, out PassReport report)
    {
        Model copy = model.Clone(out IReadOnlyDictionary<Value, Value> copies);
        Dictionary<Value, (double Low, double High)> known = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);
        foreach ((Value value, (double, double) range) in ranges)
            known[copies[value]] = range;
        report = new QuantizeStaticPass(placement.On(copies), new() { RangeOf = v => known[v] }).Run(copy, PassContext.None);
        return copy;
    }

    private sealed class ObservationShare(int count, IProgress<double>? progress) : IProgress<ObservationProgress>
    {
        public void Report(ObservationProgress value) => progress?.Report((value.Run - 1 + (double)value.Samples / Math.Max(1, count)) / value.Runs);
    }
}
