using Tersor.Compression;
using Tersor.Compression.Quantization.Placement;
using Tersor.Compression.Quantization.Ranges;
using Tersor.Compression.Quantization.Repair;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Pipeline.Quantization;

/// <summary>A float model, what is known about its values, and the quantized models that follow: measured once, built from as often as needed.</summary>
internal sealed class CalibratedModel
{
    private readonly EngineRules rules;
    private readonly Func<Value, OnnxType?> typeOf;
    private readonly Func<Node, string?> keepFloat;
    private readonly Func<Node, string?> staysFloat;
    private (Sample Sample, IReadOnlyDictionary<string, string> Feedback) uncalibrated;

    /// <param name="model">The float model.</param>
    /// <param name="rules">What the target's engine fuses.</param>
    /// <param name="typeOf">Types of its values.</param>
    /// <param name="keepFloat">Nodes kept float by the user.</param>
    /// <param name="noRange">Nodes that this calibration gave no usable range: another one may.</param>
    private CalibratedModel(Model model, EngineRules rules, Func<Value, OnnxType?> typeOf, Func<Node, string?> keepFloat, IReadOnlyDictionary<Node, string>? noRange = null)
    {
        (Model, this.rules, this.typeOf, this.keepFloat) = (model, rules, typeOf, keepFloat);
        staysFloat = node => keepFloat(node) ?? noRange?.GetValueOrDefault(node);
        Everything = new Placer(rules, typeOf).Everything(model, staysFloat);
    }

    /// <summary>The float model. It must not change.</summary>
    public Model Model { get; }

    /// <summary>Fingerprint of the float model before repairs: what plans and ranges know it by.</summary>
    public string Fingerprint { get; private init; } = "";

    /// <summary>How the values of every activation that can be quantized were distributed.</summary>
    public IReadOnlyDictionary<Value, ValueDistribution> Distributions { get; private init; } = new Dictionary<Value, ValueDistribution>();

    /// <summary>Largest magnitude of each channel of what MatMul and Gemm layers read.</summary>
    public IReadOnlyDictionary<Value, float[]> ChannelMaxima { get; private init; } = new Dictionary<Value, float[]>();

    /// <summary>Everything that can run in 8 bits.</summary>
    public QuantizationPlacement Everything { get; }

    /// <summary>Runs one sample to learn types and shapes; values are not observed.</summary>
    /// <param name="model">Float, in an operator set that has Q/DQ. Its large weights are moved out of memory; it must not change afterwards.</param>
    /// <param name="sample">What is fed.</param>
    /// <param name="feedback">Output name → input name, from one step of the sample to the next.</param>
    /// <param name="rules">What the target's engine fuses.</param>
    /// <param name="keepFloat">Nodes kept float by the user.</param>
    /// <param name="cancellation">Stops it.</param>
    public static CalibratedModel Uncalibrated(Model model, Sample sample, IReadOnlyDictionary<string, string> feedback, EngineRules rules, Func<Node, string?> keepFloat, CancellationToken cancellation)
    {
        LargeConstants.MoveOut(model);
        SeenShapesObserver shapes = new(model.Graph.WithNested().SelectMany(g => g.Inputs.Where(v => !v.IsInitializer).Concat(g.Nodes.SelectMany(n => n.Outputs).OfType<Value>())));
        Observer.Observe(model, [sample], feedback, [shapes], cancellation: cancellation);
        InferredTypes inferred = ShapeInference.Infer(model);
        return new(model, rules, TypeOf, keepFloat) { uncalibrated = (sample, feedback), Fingerprint = ModelFingerprint.Of(model) };

        // As seen; what no sample reached, as far as it can be inferred.
        OnnxType? TypeOf(Value value) => shapes.Seen.TryGetValue(value, out SeenShapes? seen)
            ? new OnnxType.Tensor(seen.ElementType, [.. seen.Shapes[0].Select(size => (Dimension)size)])
            : inferred.TypeOf(value) ?? value.Type;
    }

    /// <summary>Runs the calibration set once to learn how values are distributed. Every statistic that anything later needs comes from this run.</summary>
    /// <param name="data">The calibration set.</param>
    /// <param name="threads">Engine threads.</param>
    /// <param name="progress">Told after every sample, as a share 0..1.</param>
    /// <param name="cancellation">Stops it.</param>
    public CalibratedModel Calibrate(IDataSet data, int threads, IProgress<double>? progress, CancellationToken cancellation)
    {
        QuantizationPlacement everything = new Placer(rules, typeOf).Everything(Model, keepFloat);
        IReadOnlyList<Value> activations = everything.Activations();
        HistogramObserver histograms = new(activations);
        SampleRangeObserver ranges = new(activations);
        ChannelMaximumObserver channels = new(MigrateActivationScalesPass.Activations(Model, new()).Where(a => typeOf(a.Key)?.AsTensor?.Shape is not null).ToDictionary(a => a.Key, a => a.Value));
        Observer.Observe(Model, data, [histograms, ranges, channels], new() { Session = new() { Threads = threads } }, new ObservationShare(data.Count, progress), cancellation);
        Dictionary<Value, ValueDistribution> distributions = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);
        IReadOnlyDictionary<Value, (double Low, double High)> averages = ranges.Averages;
        foreach ((Value value, StreamingHistogram histogram) in histograms.Histograms)
            distributions[value] = new(histogram, averages.TryGetValue(value, out (double Low, double High) average) ? average : null);
        Dictionary<Node, string> noRange = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Node>);
        foreach (QuantizationUnit unit in everything.Units)
        {
            StreamingHistogram[] seen = [.. unit.Inputs.Concat(unit.Outputs).Select(v => histograms.Histograms.GetValueOrDefault(v)).OfType<StreamingHistogram>()];
            if (seen.Any(h => h.NonFinite > 0))
                noRange[unit.Anchor] = "on the calibration set it reads or gives NaN or infinities, for which there is no integer";
            else if (seen.Any(h => h.Count == 0)) // a branch no sample took
                noRange[unit.Anchor] = "no calibration sample reached it";
        }
        return new(Model, rules, typeOf, keepFloat, noRange) { Distributions = distributions, ChannelMaxima = channels.Maxima, uncalibrated = uncalibrated, Fingerprint = Fingerprint };
    }

    /// <summary>The same for a repaired model whose values have the same types, shapes and names.</summary>
    public CalibratedModel For(Model repaired, CancellationToken cancellation)
    {
        CalibratedModel same = Uncalibrated(repaired, uncalibrated.Sample, uncalibrated.Feedback, rules, keepFloat, cancellation);
        return new(same.Model, rules, same.typeOf, keepFloat) { uncalibrated = uncalibrated, Fingerprint = Fingerprint };
    }

    /// <summary>The best placement by the costs known.</summary>
    /// <param name="times">What units were measured to take, by their key; null where nothing was.</param>
    /// <param name="eagerness">As in <see cref="Placer.Eagerness"/>.</param>
    /// <param name="float">Units that stay float, by their key, with the reason.</param>
    public QuantizationPlacement Place(IReadOnlyDictionary<string, UnitTime>? times = null, double eagerness = 1, IReadOnlyDictionary<string, string>? @float = null) =>
        new Placer(rules, typeOf) { Measured = Measured(times), Eagerness = eagerness }.Place(Model, Without(@float));

    /// <summary>The choices of every graph, with the costs known.</summary>
    public IReadOnlyList<PlacementProblem> Problems(IReadOnlyDictionary<string, UnitTime>? times, double eagerness = 1) =>
        [.. Model.Graph.WithNested().Select(g => new Placer(rules, typeOf) { Measured = Measured(times), Eagerness = eagerness }.Problem(g, staysFloat, []))];

    /// <summary>A quantized copy of the model.</summary>
    /// <param name="placement">A placement of <see cref="Model"/>.</param>
    /// <param name="numbers">Formats, weight scales, and the range of every activation by its name.</param>
    /// <param name="report">What was quantized, and what was not and why.</param>
    public Model Build(QuantizationPlacement placement, QuantizationNumbers numbers, out PassReport report) => numbers.Apply(Model, placement, out report);

    private static Func<QuantizationUnit, (double, double)?> Measured(IReadOnlyDictionary<string, UnitTime>? times) =>
        unit => times is not null && times.TryGetValue(unit.Key, out UnitTime? time) ? (time.Float * 1000, time.Quantized * 1000) : null;

    private Func<Node, string?> Without(IReadOnlyDictionary<string, string>? @float) =>
        node => staysFloat(node) ?? (node.Output(0) is { } output ? @float?.GetValueOrDefault(output.Name) : null);

    private sealed class ObservationShare(int count, IProgress<double>? progress) : IProgress<ObservationProgress>
    {
        public void Report(ObservationProgress value) => progress?.Report((value.Run - 1 + (double)value.Samples / Math.Max(1, count)) / value.Runs);
    }
}
