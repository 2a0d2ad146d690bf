using System.IO.Enumeration;
using Tersor.Compression;
using Tersor.Compression.GraphOptimization;
using Tersor.Compression.Quantization;
using Tersor.Compression.Quantization.Placement;
using Tersor.Data;
using Tersor.Data.Metrics;
using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Pipeline.Quantization;

/// <summary>Quantizes a model end to end: calibrate, rank the layers by the error they cause, and leave as few of them float as the metric asks for.</summary>
/// <remarks>Selection reads held-out samples only, never those a final evaluation reads. The same model, data and settings give the same result.</remarks>
public sealed class QuantizeJob(QuantizeSettings settings)
{
    /// <summary>How the model is rewritten for the engine first: sizes to fix, samples and runner to verify with. Level and passes are the job's.</summary>
    public GraphOptimizerOptions Optimizer { get; init; } = new();

    /// <summary>Runs the job.</summary>
    /// <param name="model">Float. Not modified.</param>
    /// <param name="calibration">Samples to learn ranges from; null where there are none.</param>
    /// <param name="selection">Held-out samples to compare candidates on; null: the last fifth of the calibration set is held out.</param>
    /// <param name="metric">Makes the metric candidates are judged by; null where there are no labels. One that only compares with a reference is not used: the signal to noise is.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="CompressionException">The settings or the model do not allow it.</exception>
    public QuantizeResult Run(Model model, IDataSet? calibration, IDataSet? selection, Func<IMetric>? metric, IProgress<JobProgress>? progress = null, CancellationToken cancellation = default)
    {
        string[] problems = [.. settings.Problems()];
        if (problems.Length > 0)
            throw new CompressionException(string.Join(" ", problems)) { Pass = "quantize" };
        QuantizationMode mode = settings.Mode != QuantizationMode.Auto ? settings.Mode : calibration is null ? QuantizationMode.Dynamic : QuantizationMode.Static;
        return mode == QuantizationMode.Dynamic ? Dynamic(model, cancellation)
            : mode == QuantizationMode.Weights ? WeightsOnly(model, cancellation)
            : calibration is { Count: > 0 } data ? Static(model, data, selection, metric, progress, cancellation)
            : throw new CompressionException("Static quantization needs calibration data; give some, or choose dynamic quantization.") { Pass = "quantize" };
    }

    private QuantizeResult Dynamic(Model model, CancellationToken cancellation)
    {
        Model copy = PreparedModel.Of(settings.Optimize ? PreparedModel.ForEngine(model, Optimizer, cancellation) : model, QuantizeDynamicPass.RequiredOpset);
        PassReport report = new QuantizeDynamicPass(new() { MinElements = settings.MinElements, KeepFloat = ByUser }).Run(copy, new() { Cancellation = cancellation });
        StoreWeights(copy, report, ByUser, cancellation);
        return new(copy, QuantizationMode.Dynamic, report, null, null, [], []);
    }

    private QuantizeResult WeightsOnly(Model model, CancellationToken cancellation)
    {
        Model copy = PreparedModel.Of(settings.Optimize ? PreparedModel.ForEngine(model, Optimizer, cancellation) : model, model.Opset);
        PassReport report = new QuantizeWeightsPass(new() { KeepFloat = ByUser }).Run(copy, new() { Cancellation = cancellation });
        return new(copy, QuantizationMode.Weights, report, null, null, [], []);
    }

    private QuantizeResult Static(Model model, IDataSet data, IDataSet? selection, Func<IMetric>? metric, IProgress<JobProgress>? progress, CancellationToken cancellation)
    {
        if (metric?.Invoke().NeedsReference == true)
            metric = null;
        (IDataSet calibrating, IDataSet selecting) = Samples(data, selection);
        Sample sample = calibrating.Read(0);
        EngineRules rules = EngineRules.For(settings.Target);
        progress?.Report(new("rewriting for the engine", 0));
        Model rewritten = settings.Optimize ? PreparedModel.ForQuantization(model, OptimizerFor(sample), cancellation) : model;
        Model prepared = PreparedModel.Of(rewritten, (settings.Format ?? rules.Format).RequiredOpset);
        CalibratedModel calibrated = CalibratedModel.Calibrate(prepared, calibrating, rules, settings.Threads, ByUser, new StageProgress(progress, "calibrating"), cancellation);
        StaticSearch search = new(settings, model, calibrated, sample, selecting, metric, StoreWeights);
        QuantizeResult? result = search.Run(progress, cancellation);
        if (result is not null)
            return result;
        QuantizeResult stored = WeightsOnly(model, cancellation);
        foreach (QuantizationUnit unit in calibrated.Everything.Units.Where(u => u.Rule.Kind == RuleKind.Weighted))
            stored.Report.Skip(unit.Anchor.ToString(), search.Objection);
        return stored with { FloatMetric = search.FloatMetric, MetricName = metric?.Invoke().Name, Candidates = search.Candidates, Sensitivities = search.Sensitivities, Plan = search.Plan };
    }

    /// <summary>Verifies on a sample of the data where none was given: made-up input may not reach what the data reaches.</summary>
    private GraphOptimizerOptions OptimizerFor(Sample sample) =>
        Optimizer.Samples is not null ? Optimizer : Optimizer with { Samples = [sample.Steps[0].ToDictionary(i => i.Key, i => (RuntimeValue)new RuntimeValue.Dense(i.Value))] };

    private void StoreWeights(Model model, PassReport report, Func<Node, string?> keepFloat, CancellationToken cancellation)
    {
        if (!settings.StoreWeights)
            return;
        PassReport stored = new QuantizeWeightsPass(new() { KeepFloat = keepFloat }).Run(model, new() { Cancellation = cancellation });
        foreach (PassChange change in stored.Changes)
            report.Changed(change.Subject, change.What);
        foreach (PassSkip skip in stored.Skipped)
            report.Skip(skip.Subject, $"stays stored as it is: {skip.Reason}");
    }

    /// <summary>Samples to calibrate with and samples held out, both drawn by seed: data in files is often sorted by class, and a fixed stride can meet one class only.</summary>
    private (IDataSet Calibrating, IDataSet Selecting) Samples(IDataSet data, IDataSet? selection)
    {
        IDataSet calibrating = data;
        if (selection is null && data.Count > 1)
            (calibrating, selection) = data.Split(0.8, settings.Seed);
        if (calibrating.Count == 0)
            calibrating = data;
        return (calibrating.Take(settings.CalibrationSamples, settings.Seed), (selection ?? data).Take(settings.SelectionSamples, settings.Seed));
    }

    private string? ByUser(Node node) => settings.KeepFloat.FirstOrDefault(pattern => FileSystemName.MatchesSimpleExpression(pattern, node.Name, ignoreCase: false)) is { } match
        ? $"kept float by '{match}'" : null;
}
