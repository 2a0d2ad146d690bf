using Tersor.Compression;
using Tersor.Compression.Quantization.Placement;
using Tersor.Data;
using Tersor.Data.Metrics;
using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Pipeline.Quantization;

/// <summary>Finds the fastest static quantization of a calibrated model whose error stays within the budget: measures, proposes, verifies on the whole network.</summary>
/// <param name="settings">Budgets and effort.</param>
/// <param name="original">The float model as it was given: what speed is measured against.</param>
/// <param name="calibrated">The model rewritten for the engine, and what is known of its values.</param>
/// <param name="sample">What is fed to measure time.</param>
/// <param name="held">Held-out samples that candidates are judged on.</param>
/// <param name="metric">Makes the metric they are judged by; null where there are no labels.</param>
/// <param name="storeWeights">Stores weights small that compute in float, except those of nodes it is given a reason for.</param>
internal sealed class StaticSearch(QuantizeSettings settings, Model original, CalibratedModel calibrated, Sample sample, IDataSet held, Func<IMetric>? metric,
    Action<Model, PassReport, Func<Node, string?>, CancellationToken> storeWeights)
{
    /// <summary>Shares of the fastest placement's error that the budgets tried allow.</summary>
    private static readonly double[] BudgetShares = [0.7, 0.45, 0.3, 0.2, 0.1, 0.05, 0.02];

    /// <summary>Eagerness at which every layer would be kept in 8 bits were it not for its error.</summary>
    private const double MostEager = 4;

    /// <summary>Samples the signal to noise is measured on, at least.</summary>
    private const int NoiseSamples = 8;

    private readonly SessionSettings session = new() { Threads = settings.Threads };
    private readonly List<Trial> trials = [];

    /// <summary>One quantized model that was tried.</summary>
    private sealed record Trial(PlacementCandidate Candidate, Model Model, PassReport Report, double Sqnr)
    {
        public double? Metric { get; set; }

        public MedianInterval? SpeedUp { get; set; }

        public double? Milliseconds { get; set; }

        public long Bytes { get; } = Model.AllGraphs().SelectMany(g => g.Initializers).Select(v => v.Tensor).OfType<Tensor>().Distinct().Sum(t => t.ByteLength);
    }

    /// <summary>Why there was no result.</summary>
    public string Objection { get; private set; } = "";

    /// <summary>The float model's metric; null where there are no labels.</summary>
    public double? FloatMetric { get; private set; }

    /// <summary>What was tried, the fastest first.</summary>
    public IReadOnlyList<QuantizationCandidate> Candidates { get; private set; } = [];

    /// <summary>Layers by the error each causes alone.</summary>
    public IReadOnlyList<LayerSensitivity> Sensitivities { get; private set; } = [];

    /// <summary>What was measured and decided.</summary>
    public QuantizationPlan? Plan { get; private set; }

    /// <summary>Runs the search; null when no placement is worth having, with <see cref="Objection"/> saying why.</summary>
    public QuantizeResult? Run(IProgress<JobProgress>? progress, CancellationToken cancellation)
    {
        QuantizationNumbers numbers = Numbers();
        IReadOnlyDictionary<string, UnitTime> times = calibrated.Everything.Units.Count == 0 ? new Dictionary<string, UnitTime>()
            : UnitTimes.Measure(calibrated, numbers, sample.Steps[0], session, cancellation);
        var placements = new PlacementSearch(original, calibrated, numbers, sample, session).Run(times, new StageProgress(progress, "placing"), cancellation);
        if (placements.Count == 0)
        {
            Objection = "there is no layer to quantize";
            return null;
        }
        (PlacementCandidate fastest, MedianInterval speed, double milliseconds) = placements[0];
        if (settings.RequireSpeed && speed.High < 1)
        {
            Candidates = [.. placements.Select(p => new QuantizationCandidate(p.Candidate.Name, FloatLayers(p.Candidate), null, null, p.SpeedUp, p.Milliseconds, 0, false))];
            Objection = $"computes in float: in 8 bits the model runs {speed.Median:F2} times as fast here";
            return null;
        }
        OutputNoise noise = new(calibrated.Model, held.Take(Math.Max(settings.SensitivitySamples, NoiseSamples)), session, cancellation);
        FloatMetric = metric is null ? null : Measure(calibrated.Model, cancellation);
        Trial first = Try(fastest, numbers, noise, new HashSet<string>(), cancellation);
        (first.SpeedUp, first.Milliseconds) = (speed, milliseconds);
        IReadOnlyList<RankedLayer> ranking = [];
        if (settings.SensitivitySamples > 0)
        {
            OutputNoise few = new(calibrated.Model, held.Take(settings.SensitivitySamples), session, cancellation);
            ranking = SensitivityRanking.Measure(calibrated, fastest.Placement, numbers with { Dynamic = fastest.Dynamic }, few, new StageProgress(progress, "ranking layers"), cancellation);
            Sensitivities = [.. ranking.Select(r => new LayerSensitivity(r.Name, r.Noise))];
            TryBudgets(first, ranking, numbers, noise, progress, cancellation);
        }
        Trial chosen = Choose(cancellation);
        if (settings.MinSpeedUp is { } least && !(chosen.SpeedUp?.Low >= least))
            throw new CompressionException($"No candidate is {least:0.##} times as fast as the float model and within the error allowed; the fastest of those within it reaches {chosen.SpeedUp?.Median:0.00} (at least {chosen.SpeedUp?.Low:0.00}). Allow a larger drop or a lower speed.") { Pass = "quantize" };
        Candidates = [.. trials.OrderByDescending(t => t.SpeedUp?.Median).Select(t => new QuantizationCandidate(t.Candidate.Name, FloatLayers(t.Candidate), t.Metric, t.Sqnr, t.SpeedUp, t.Milliseconds, t.Bytes, ReferenceEquals(t, chosen)))];
        Plan = MakePlan(chosen, times, ranking, numbers);
        return new(chosen.Model, QuantizationMode.Static, chosen.Report, FloatMetric, metric?.Invoke().Name, Sensitivities, Candidates) { Plan = Plan };
    }

    private QuantizationNumbers Numbers()
    {
        Dictionary<string, ActivationRange> ranges = [];
        foreach ((Value value, Compression.Quantization.Ranges.ValueDistribution distribution) in calibrated.Distributions.Where(d => d.Value.HasValues))
        {
            (double low, double high) = settings.Ranges.Estimate(distribution);
            ranges[value.Name] = new(low, high, settings.Ranges.GetType().Name);
        }
        return new() { Format = settings.Format ?? EngineRules.For(settings.Target).Format, Ranges = ranges };
    }

    private Trial Try(PlacementCandidate candidate, QuantizationNumbers numbers, OutputNoise noise, IReadOnlySet<string> exact, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        Model model = calibrated.Build(candidate.Placement, numbers with { Dynamic = candidate.Dynamic }, out PassReport report);
        // What is float for the sake of accuracy stays as exact as it is.
        storeWeights(model, report, n => n.Output(0) is { } output && exact.Contains(output.Name) ? "its layer is sensitive" : null, cancellation);
        Trial trial = new(candidate, model, report, OutputNoise.Decibel(noise.Of(model, cancellation)));
        trials.Add(trial);
        return trial;
    }

    /// <summary>Placements under error budgets of ever smaller shares of the fastest one's error.</summary>
    private void TryBudgets(Trial first, IReadOnlyList<RankedLayer> ranking, QuantizationNumbers numbers, OutputNoise noise, IProgress<JobProgress>? progress, CancellationToken cancellation)
    {
        double whole = ranking.Sum(r => Math.Min(r.Noise, 1e6));
        if (!(whole > 0))
            return;
        // The costs that gave the fastest placement, the same preference for 8 bits included.
        IReadOnlyList<PlacementProblem> problems = calibrated.Problems(first.Candidate.Times, Math.Min(first.Candidate.Eagerness, MostEager));
        Dictionary<string, double> noiseOf = ranking.SelectMany(r => r.Units, (r, unit) => (unit.Key, r.Noise)).ToDictionary(p => p.Key, p => p.Noise);
        HashSet<string> seen = [first.Candidate.Signature];
        for (int i = 0; i < BudgetShares.Length; i++)
        {
            progress?.Report(new("choosing", (double)i / BudgetShares.Length));
            IReadOnlySet<string> chosen = BudgetProgram.Solve(problems, ranking, BudgetShares[i] * whole);
            QuantizationPlacement placement = first.Candidate.Placement.Only(u => chosen.Contains(u.Key), u => $"alone it leaves {OutputNoise.Decibel(noiseOf.GetValueOrDefault(u.Key)):F1} dB");
            HashSet<string> dynamic = first.Candidate.Dynamic.Count > 0 ? [.. placement.Isolated().Select(u => u.Key)] : [];
            PlacementCandidate candidate = new($"{BudgetShares[i]:0.##} of the error", placement, dynamic, first.Candidate.Times, first.Candidate.Eagerness);
            if (placement.Units.Count == 0 || !seen.Add(candidate.Signature))
                continue;
            HashSet<string> exact = [.. first.Candidate.Placement.Units.Select(u => u.Key).Except(chosen)];
            Trial trial = Try(candidate, numbers, noise, exact, cancellation);
            if (metric is null && trial.Sqnr >= settings.MinSqnr)
                break;
            if (metric is not null && IsGoodEnough(trial, cancellation))
                break;
        }
        var measured = SpeedCheck.Measure([original, .. trials.Select(t => t.Model)], sample, session, new StageProgress(progress, "measuring speed"), cancellation);
        foreach ((Trial trial, (MedianInterval speedUp, double milliseconds)) in trials.Zip(measured.Skip(1)))
            (trial.SpeedUp, trial.Milliseconds) = (speedUp, milliseconds);
    }

    /// <summary>The fastest that is good enough; of those that are as fast as it within the measurement's error, the one with the least noise. Where none is good enough, the best there is.</summary>
    private Trial Choose(CancellationToken cancellation)
    {
        Trial[] affordable = [.. trials.Where(t => settings.MaxBytes is not { } most || t.Bytes <= most)];
        if (affordable.Length == 0)
            throw new CompressionException($"The smallest candidate has {trials.Min(t => t.Bytes)} bytes of weights; at most {settings.MaxBytes} are allowed.") { Pass = "quantize" };
        Trial[] byspeed = [.. affordable.OrderByDescending(t => t.SpeedUp?.Median ?? 0)];
        Trial? good = byspeed.FirstOrDefault(t => IsGoodEnough(t, cancellation));
        if (good is not null)
            return byspeed.Where(t => (t.SpeedUp?.High ?? 0) >= (good.SpeedUp?.Low ?? 0) && t.SpeedUp?.Median <= good.SpeedUp?.Median && IsGoodEnough(t, cancellation)).Append(good).MaxBy(t => t.Sqnr)!;
        Trial[] worth = [.. affordable.Where(t => !settings.RequireSpeed || t.SpeedUp is not { High: < 1 })];
        bool higher = metric?.Invoke().HigherIsBetter ?? true;
        return (worth.Length > 0 ? worth : affordable).MaxBy(t => metric is null ? t.Sqnr : (higher ? 1 : -1) * t.Metric!.Value)!;
    }

    private bool IsGoodEnough(Trial trial, CancellationToken cancellation)
    {
        if (metric is null)
            return trial.Sqnr >= settings.MinSqnr;
        trial.Metric ??= Measure(trial.Model, cancellation);
        return (metric().HigherIsBetter ? FloatMetric!.Value - trial.Metric.Value : trial.Metric.Value - FloatMetric!.Value) <= settings.MaxDrop;
    }

    private double Measure(Model model, CancellationToken cancellation)
    {
        IMetric counter = metric!();
        using ModelSession loaded = new(model, session);
        SampleRunner runner = new(loaded, held.Feedback);
        foreach (Sample one in held.Samples())
            counter.Add(new(one, runner.Run(one, null, cancellation), null));
        return counter.Value;
    }

    private int FloatLayers(PlacementCandidate candidate) =>
        calibrated.Everything.Units.Count(u => u.IsLayer) - candidate.Placement.Units.Count(u => u.IsLayer);

    private QuantizationPlan MakePlan(Trial chosen, IReadOnlyDictionary<string, UnitTime> times, IReadOnlyList<RankedLayer> ranking, QuantizationNumbers numbers)
    {
        MachineInfo machine = MachineInfo.Here();
        HashSet<string> quantized = [.. chosen.Candidate.Placement.Units.Select(u => u.Key)];
        Dictionary<string, double> noise = ranking.ToDictionary(r => r.Units[0].Key, r => r.Noise);
        return new()
        {
            Model = ModelFingerprint.Of(calibrated.Model),
            Target = settings.Target,
            Cpu = machine.Cpu,
            Engine = machine.Engine,
            Layers = [.. calibrated.Everything.Units.Select(u => new PlannedLayer(u.Key, u.Rule.OpType,
                !quantized.Contains(u.Key) ? LayerForm.Float : chosen.Candidate.Dynamic.Contains(u.Key) ? LayerForm.Dynamic : LayerForm.Static,
                times.GetValueOrDefault(u.Key)?.Float, times.GetValueOrDefault(u.Key)?.Quantized, noise.TryGetValue(u.Key, out double n) ? n : null, ""))],
            Ranges = [.. numbers.Ranges.Select(r => new PlannedRange(r.Key, r.Value.Low, r.Value.High, r.Value.Estimator))],
        };
    }
}
