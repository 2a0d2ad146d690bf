using System.IO.Enumeration;
using Tersor.Compression;
using Tersor.Compression.GraphOptimization;
using Tersor.Compression.Quantization;
using Tersor.Compression.Quantization.Placement;
using Tersor.Data;
using Tersor.Data.Metrics;
using Tersor.Onnx;
using Tersor.Onnx.Opsets;
using Tersor.Runtime;

namespace Tersor.Pipeline.Quantization;

/// <summary>Quantizes a model end to end: calibrates, measures what pays in 8 bits on this machine, and takes the fastest model within the budget.</summary>
/// <remarks>Selection reads held-out samples only, never those a final evaluation reads. What is decided depends on measured times; the plan of a result gives the same bytes again.</remarks>
public sealed class QuantizeJob(QuantizeSettings settings)
{
    /// <summary>How the model is rewritten for the engine first: sizes to fix, samples and runner to verify with. Level and passes are the job's.</summary>
    public GraphOptimizerOptions Optimizer { get; init; } = new();

    /// <summary>Quantization-aware training instead of a search for layers to spare; null: none. Static quantization only.</summary>
    public QuantizationTraining? Training { get; init; }

    /// <summary>Runs the job.</summary>
    /// <param name="model">Float. Not modified.</param>
    /// <param name="calibration">Samples to learn ranges from; null where there are none.</param>
    /// <param name="selection">Held-out samples to compare candidates on; null: a fifth of the calibration set is held out; where that is too little for the metric, it is measured on the whole set.</param>
    /// <param name="metric">Makes the metric candidates are judged by; null where there are no labels. One that only compares with a reference is not used: the signal to noise is.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="CompressionException">The settings or the model do not allow it.</exception>
    public QuantizeResult Run(Model model, IDataSet? calibration, IDataSet? selection, Func<IMetric>? metric, IProgress<JobProgress>? progress = null, CancellationToken cancellation = default)
    {
        string[] problems = [.. settings.Problems()];
        if (problems.Length > 0)
            throw new CompressionException(string.Join(" ", problems)) { Pass = "quantize" };
        if (WidenHalfPass.Applies(model))
        {
            model = model.Clone();
            new WidenHalfPass().Run(model, new() { Cancellation = cancellation });
        }
        QuantizationMode mode = settings.Mode != QuantizationMode.Auto ? settings.Mode : calibration is null ? QuantizationMode.Dynamic : QuantizationMode.Static;
        if (Training is not null && (mode != QuantizationMode.Static || settings.Plan is not null))
            throw new CompressionException("Quantization-aware training is for static quantization, and makes no model from a plan.") { Pass = "quantize" };
        return settings.Plan is { } plan ? Conditioned(Replay(model, plan, calibration, selection, progress, cancellation), model, calibration, "", cancellation)
            : mode == QuantizationMode.Dynamic ? Conditioned(Dynamic(model, cancellation), model, calibration, "", cancellation)
            : mode == QuantizationMode.Weights ? Conditioned(WeightsOnly(model, cancellation), model, calibration, "", cancellation)
            : calibration is { Count: > 0 } data ? Static(model, data, selection, metric, progress, cancellation)
            : throw new CompressionException("Static quantization needs calibration data; give some, or choose dynamic quantization.") { Pass = "quantize" };
    }

    /// <summary>A result there was nothing to choose about: it fulfils the conditions on size and speed, or the job fails.</summary>
    private QuantizeResult Conditioned(QuantizeResult result, Model model, IDataSet? data, string objection, CancellationToken cancellation)
    {
        if (settings.MaxBytes is { } most && result.WeightBytes > most)
            throw Fail($"The result has {result.WeightBytes} bytes of weights; at most {most} are allowed (--max-size).");
        if (settings.MinSpeedUp is not { } least)
            return result;
        Sample sample = data is { Count: > 0 } ? data.Read(0) : new("made up", [MadeUp(model)], new Dictionary<string, Tensor>());
        MedianInterval reached = SpeedCheck.Measure([model, result.Model], sample, new() { Threads = settings.Threads }, null, cancellation)[1].SpeedUp;
        return reached.Low >= least ? result
            : throw Fail($"The result is {reached.Median:0.00} times as fast as the float model (at least {reached.Low:0.00}), and {least:0.##} were asked for (--min-speedup).{(objection.Length > 0 ? $" Static quantization gave nothing: {objection}." : "")}");

        static CompressionException Fail(string message) => new(message) { Pass = "quantize" };
    }

    private QuantizeResult Dynamic(Model model, CancellationToken cancellation)
    {
        Model copy = PreparedModel.Of(settings.Optimize ? PreparedModel.ForEngine(model, Optimizer, cancellation) : model, QuantizeDynamicPass.RequiredOpset);
        PassReport report = new QuantizeDynamicPass(new()
        {
            MinElements = settings.MinElements,
            KeepFloat = ByUser,
            WeightLimit = (settings.Format ?? EngineRules.For(settings.Target).Format).WeightLimit,
            StandardOperatorsOnly = settings.StandardOperatorsOnly,
        }).Run(copy, new() { Cancellation = cancellation });
        StoreWeights(copy, report, ByUser, cancellation);
        return new(copy, QuantizationMode.Dynamic, report, null, null, [], []);
    }

    private QuantizeResult WeightsOnly(Model model, CancellationToken cancellation)
    {
        QuantizeWeightsOptions options = Stored(ByUser);
        Model copy = PreparedModel.Of(settings.Optimize ? PreparedModel.ForEngine(model, Optimizer, cancellation) : model, options.RequiredOpset);
        PassReport report = new QuantizeWeightsPass(options).Run(copy, new() { Cancellation = cancellation });
        return new(copy, QuantizationMode.Weights, report, null, null, [], []);
    }

    private QuantizeResult Static(Model model, IDataSet data, IDataSet? selection, Func<IMetric>? metric, IProgress<JobProgress>? progress, CancellationToken cancellation)
    {
        if (metric?.Invoke().NeedsReference == true)
            metric = null;
        (IDataSet calibrating, IDataSet selecting) = Samples(data, selection, settings.CalibrationSamples, settings.Seed);
        // A metric of a handful of samples cannot show a small drop: that it is partly measured where ranges were learned does less harm.
        IDataSet judging = Training is null && selection is null or { Count: 0 } && selecting.Count < Judge.LeastForOrder ? data.Take(settings.SelectionSamples, settings.Seed) : selecting;
        Sample sample = calibrating.Read(0);
        EngineRules rules = EngineRules.For(settings.Target);
        CalibratedModel prepared = Prepared(model, sample, data.Feedback, rules, (settings.Format ?? rules.Format).RequiredOpset, progress, cancellation);
        string fingerprint = ModelFingerprint.Of(prepared.Model);
        if (settings.KnownRanges is { } known && known.Model != fingerprint)
            throw new CompressionException($"The calibration ranges given were found with another model, or with other options: their fingerprint is {known.Model}, that of this one {fingerprint}. Find them anew.") { Pass = "quantize" };
        CalibratedModel calibrated = prepared.Calibrate(calibrating, settings.Threads, new StageProgress(progress, "calibrating"), cancellation);
        SearchInputs inputs = new(model, () => PreparedModel.ForEngine(model, OptimizerFor(sample), cancellation), fingerprint, calibrated, calibrating, selecting, judging, metric, StoreWeights);
        if (Training is { } training)
            return Conditioned(new TrainedSearch(settings, inputs, Apart(training, data, selection)).Run(progress, cancellation), model, data, "", cancellation);
        StaticSearch search = new(settings, inputs);
        QuantizeResult? result = search.Run(progress, cancellation);
        if (result is not null)
            return result;
        QuantizeResult stored = Conditioned(WeightsOnly(model, cancellation), model, data, search.Objection, cancellation);
        foreach (QuantizationUnit unit in calibrated.Everything.Units.Where(u => u.IsLayer))
            stored.Report.Skip(unit.Anchor.ToString(), search.Objection);
        foreach (PassSkip skip in calibrated.Everything.Skipped)
            stored.Report.Skip(skip.Subject, skip.Reason);
        return stored with { FloatMetric = search.FloatMetric, MetricName = metric?.Invoke().Name, Candidates = search.Candidates };
    }

    private QuantizeResult Replay(Model model, QuantizationPlan plan, IDataSet? data, IDataSet? selection, IProgress<JobProgress>? progress, CancellationToken cancellation)
    {
        IDataSet? calibrating = data is { Count: > 0 } ? Samples(data, selection, plan.CalibrationSamples, plan.Seed).Calibrating : null;
        Sample sample = calibrating?.Read(0) ?? new("made up", [MadeUp(model)], new Dictionary<string, Tensor>());
        CalibratedModel prepared = Prepared(model, sample, data?.Feedback ?? new Dictionary<string, string>(), EngineRules.For(plan.Target), plan.Format.ToFormat().RequiredOpset, progress, cancellation);
        return new PlanReplay(plan, settings).Run(prepared, calibrating, StoreWeights, progress, cancellation);
    }

    private CalibratedModel Prepared(Model model, Sample sample, IReadOnlyDictionary<string, string> feedback, EngineRules rules, long opset, IProgress<JobProgress>? progress, CancellationToken cancellation)
    {
        progress?.Report(new("rewriting for the engine", 0));
        Model rewritten = settings.Optimize ? PreparedModel.ForQuantization(model, OptimizerFor(sample), cancellation) : model;
        return CalibratedModel.Uncalibrated(PreparedModel.Of(rewritten, opset), sample, feedback, rules, ByUser, cancellation);
    }

    /// <summary>Input for a plan that is carried out without data.</summary>
    private IReadOnlyDictionary<string, Tensor> MadeUp(Model model) =>
        (Optimizer.Samples is [var given, ..] ? given : SampleInputs.Make(model, settings.Seed, new(First: 1, Others: 32))) is { } made && made.Values.All(v => v is RuntimeValue.Dense)
            ? made.ToDictionary(i => i.Key, i => ((RuntimeValue.Dense)i.Value).Tensor)
            : throw new CompressionException("Input for this model cannot be made up; give calibration data with --data.") { Pass = "quantize" };

    /// <summary>Verifies on a sample of the data where none was given: made-up input may not reach what the data reaches.</summary>
    private GraphOptimizerOptions OptimizerFor(Sample sample) =>
        Optimizer.Samples is not null ? Optimizer : Optimizer with { Samples = [sample.Steps[0].ToDictionary(i => i.Key, i => (RuntimeValue)new RuntimeValue.Dense(i.Value))] };

    private void StoreWeights(Model model, PassReport report, Func<Node, string?> keepFloat, CancellationToken cancellation)
    {
        if (!settings.StoreWeights)
            return;
        QuantizeWeightsOptions options = Stored(keepFloat);
        OpsetRaiser.Raise(model, Math.Max(model.Opset, options.RequiredOpset));
        PassReport stored = new QuantizeWeightsPass(options).Run(model, new() { Cancellation = cancellation });
        foreach (PassChange change in stored.Changes)
            report.Changed(change.Subject, change.What);
        foreach (PassSkip skip in stored.Skipped)
            report.Skip(skip.Subject, $"stays stored as it is: {skip.Reason}");
    }

    /// <summary>How weights are stored that are computed with in float: in the bits that were asked for, by settings or plan, or in 8.</summary>
    private QuantizeWeightsOptions Stored(Func<Node, string?> keepFloat) => new() { Bits = settings.Plan?.StoredWeightBits ?? settings.StoredBits, KeepFloat = keepFloat };

    /// <summary>Samples to calibrate with and samples held out, both drawn by seed: data in files is often sorted by class, and a fixed stride can meet one class only.</summary>
    private (IDataSet Calibrating, IDataSet Selecting) Samples(IDataSet data, IDataSet? selection, int count, int seed)
    {
        (IDataSet learning, IDataSet held) = Parts(data, selection, seed);
        return (learning.Take(count, seed), held.Take(settings.SelectionSamples, seed));
    }

    /// <summary>What may be learned from, and what results are judged on.</summary>
    private static (IDataSet Learning, IDataSet Held) Parts(IDataSet data, IDataSet? selection, int seed) => selection is { Count: > 0 } ? (data, selection)
        : data.Count > 1 ? data.Split(Math.Min(0.8, 1 - 1.0 / data.Count), seed) : (data, data); // one sample of each at least

    /// <summary>Training that sees none of the samples its result is judged on, where it was given the data for calibration.</summary>
    private QuantizationTraining Apart(QuantizationTraining training, IDataSet data, IDataSet? selection) => ReferenceEquals(training.Data, data) ? training with { Data = Parts(data, selection, settings.Seed).Learning } : training;

    private string? ByUser(Node node) => settings.StandardOperatorsOnly && EngineRules.For(settings.Target).Find(node) is { Kind: RuleKind.RunTime } ? "only an operator of ONNX Runtime's own does it in 8 bits"
        : settings.KeepFloat.FirstOrDefault(pattern => FileSystemName.MatchesSimpleExpression(pattern, node.Name, ignoreCase: false)) is { } match ? $"kept float by '{match}'" : null;
}
