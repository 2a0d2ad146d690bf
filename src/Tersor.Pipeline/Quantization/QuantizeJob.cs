using System.IO.Enumeration;
using Tersor.Compression;
using Tersor.Compression.GraphOptimization;
using Tersor.Compression.Quantization;
using Tersor.Compression.Quantization.Placement;
using Tersor.Data;
using Tersor.Data.Metrics;
using Tersor.Onnx;
using Tersor.Onnx.Editing;
using Tersor.Onnx.Opsets;
using Tersor.Runtime;

namespace Tersor.Pipeline.Quantization;

/// <summary>Quantizes a model end to end: calibrate, rank the layers by the error they cause, and leave as few of them float as the metric asks for.</summary>
/// <remarks>Selection reads held-out samples only, never those a final evaluation reads. The same model, data and settings give the same result.</remarks>
public sealed class QuantizeJob(QuantizeSettings settings)
{
    /// <summary>Numbers of float layers tried, in this order, until one is good enough.</summary>
    private static readonly int[] FloatLayerSteps = [0, 1, 2, 3, 5, 8, 12, 18];

    /// <summary>Runs the job.</summary>
    /// <param name="model">Float, optimized. Not modified.</param>
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
        Model copy = Prepare(model, QuantizeDynamicPass.RequiredOpset);
        PassReport report = new QuantizeDynamicPass(new() { MinElements = settings.MinElements, KeepFloat = ByUser }).Run(copy, new() { Cancellation = cancellation });
        StoreWeights(copy, report, ByUser, cancellation);
        return new(copy, QuantizationMode.Dynamic, report, null, null, [], []);
    }

    private QuantizeResult WeightsOnly(Model model, CancellationToken cancellation)
    {
        Model copy = Prepare(model, model.Opset);
        PassReport report = new QuantizeWeightsPass(new() { KeepFloat = ByUser }).Run(copy, new() { Cancellation = cancellation });
        return new(copy, QuantizationMode.Weights, report, null, null, [], []);
    }

    private QuantizeResult Static(Model model, IDataSet data, IDataSet? selection, Func<IMetric>? metric, IProgress<JobProgress>? progress, CancellationToken cancellation)
    {
        Model prepared = Prepare(model, QuantizeStaticPass.RequiredOpset);
        if (metric?.Invoke().NeedsReference == true)
            metric = null;
        (IDataSet calibrating, IDataSet selecting) = Samples(data, selection);
        CalibratedModel calibrated = CalibratedModel.Calibrate(prepared, calibrating, settings, ByUser, new StageProgress(progress, "calibrating"), cancellation);

        SessionSettings session = new() { Threads = settings.Threads };
        IReadOnlyList<(Node[] Nodes, LayerSensitivity Sensitivity)> ranking = [];
        if (settings.SensitivitySamples > 0 && calibrated.Full.Units.Count > 0)
        {
            OutputNoise noise = new(prepared, selecting.Take(settings.SensitivitySamples), session, cancellation);
            ranking = SensitivityRanking.Measure(calibrated, noise, new StageProgress(progress, "ranking layers"), cancellation);
        }
        QuantizeResult result = Choose(prepared, calibrated, ranking, selecting, metric, session, progress, cancellation);
        if (!settings.RequireSpeed)
            return result;
        MedianInterval speed = SpeedCheck.Measure(prepared, result.Model, calibrating.Read(0), session, new StageProgress(progress, "measuring speed"), cancellation);
        if (!(speed.High < 1))
            return result with { StaticSpeedUp = speed };
        QuantizeResult stored = WeightsOnly(model, cancellation);
        foreach (QuantizationUnit unit in calibrated.Full.Units.Where(u => u.Rule.Kind == RuleKind.Weighted))
            stored.Report.Skip(unit.Anchor.ToString(), $"computes in float: in 8 bits the model runs {speed.Median:F2} times as fast here");
        return result with { Model = stored.Model, Mode = QuantizationMode.Weights, Report = stored.Report, StaticSpeedUp = speed, Candidates = [.. result.Candidates.Select(c => c with { Chosen = false })] };
    }

    private QuantizeResult Choose(Model prepared, CalibratedModel calibrated, IReadOnlyList<(Node[] Nodes, LayerSensitivity Sensitivity)> ranking, IDataSet samples,
        Func<IMetric>? metric, SessionSettings session, IProgress<JobProgress>? progress, CancellationToken cancellation)
    {
        double? floatMetric = metric is null ? null : Measure(prepared);
        bool higher = metric?.Invoke().HigherIsBetter ?? true;
        OutputNoise noise = new(prepared, samples.Take(Math.Max(settings.SensitivitySamples, 8)), session, cancellation);
        List<(QuantizationCandidate Candidate, Model Model, PassReport Report)> tried = [];
        int[] steps = [.. FloatLayerSteps.Where(k => k <= ranking.Count)];
        foreach (int count in steps)
        {
            cancellation.ThrowIfCancellationRequested();
            progress?.Report(new("choosing", (double)tried.Count / steps.Length));
            Dictionary<Node, string> keep = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Node>);
            foreach ((int rank, (Node[] nodes, LayerSensitivity sensitivity)) in ranking.Take(count).Index())
            {
                foreach (Node node in nodes)
                    keep[node] = $"number {rank + 1} in error: alone it leaves {OutputNoise.Decibel(sensitivity.Noise):F1} dB";
            }
            QuantizationPlacement placement = count == 0 ? calibrated.Full : calibrated.PlaceWithout(keep);
            Model candidate = calibrated.Build(placement, out PassReport report);
            // What is float for the sake of accuracy stays as exact as it is.
            HashSet<string> exact = [.. keep.Keys.Select(n => n.Outputs[0]!.Name)];
            StoreWeights(candidate, report, n => ByUser(n) ?? (n.Output(0) is { } output && exact.Contains(output.Name) ? "its layer is sensitive" : null), cancellation);
            double sqnr = OutputNoise.Decibel(noise.Of(candidate, cancellation));
            tried.Add((new(count, metric is null ? null : Measure(candidate), sqnr, false), candidate, report));
            if (IsGoodEnough(tried[^1].Candidate))
                break;
        }
        int best = tried.FindIndex(t => IsGoodEnough(t.Candidate));
        if (best < 0) // none is: the best there is
            best = tried.IndexOf(tried.MaxBy(t => t.Candidate.Metric is { } value ? higher ? value : -value : t.Candidate.Sqnr!.Value));
        return new(tried[best].Model, QuantizationMode.Static, tried[best].Report, floatMetric, metric?.Invoke().Name,
            [.. ranking.Select(r => r.Sensitivity)], [.. tried.Select((t, i) => t.Candidate with { Chosen = i == best })]);

        bool IsGoodEnough(QuantizationCandidate candidate) => candidate.Metric is { } value
            ? (higher ? floatMetric!.Value - value : value - floatMetric!.Value) <= settings.MaxDrop
            : candidate.Sqnr >= settings.MinSqnr;

        double Measure(Model candidate)
        {
            IMetric counter = metric();
            using ModelSession loaded = new(candidate, session);
            SampleRunner runner = new(loaded, samples.Feedback);
            foreach (Sample sample in samples.Samples())
                counter.Add(new(sample, runner.Run(sample, null, cancellation), null));
            return counter.Value;
        }
    }

    /// <summary>A copy in an operator set that has what is needed, without functions: the engine inlines them too, and a weight in a function has no channel of its own.</summary>
    private static Model Prepare(Model model, long opset)
    {
        Model copy = model.Clone();
        FunctionInliner.InlineAll(copy);
        OpsetRaiser.Raise(copy, Math.Max(copy.Opset, opset));
        // A weight behind a Transpose, Cast or Identity is one all the same; an optimized model has none.
        if (copy.Weights().Any(u => u.Path.Length > 0))
        {
            new RemoveNoOpsPass().Run(copy, PassContext.None);
            new FoldConstantsPass(new()).Run(copy, PassContext.None);
        }
        return copy;
    }

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
