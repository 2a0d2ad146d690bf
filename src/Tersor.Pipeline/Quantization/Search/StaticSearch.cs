using System.Text;
using Tersor.Compression;
using Tersor.Compression.Quantization.Placement;
using Tersor.Data;
using Tersor.Data.Metrics;
using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Pipeline.Quantization;

/// <summary>What a search works on.</summary>
/// <param name="Original">The float model as it was given: what speed is measured against.</param>
/// <param name="Rewritten">Makes the float model rewritten for the engine: what 8 bits must be faster than.</param>
/// <param name="Fingerprint">Of the model rewritten for the engine.</param>
/// <param name="Calibrated">The model rewritten for the engine, and what is known of its values.</param>
/// <param name="Calibrating">Samples ranges are learned from.</param>
/// <param name="Held">Samples the signal to noise of candidates is measured on.</param>
/// <param name="Judging">Samples the metric of candidates is measured on.</param>
/// <param name="Metric">Makes the metric they are judged by; null where there are no labels.</param>
/// <param name="StoreWeights">Stores weights small that compute in float, except those of nodes it is given a reason for.</param>
internal sealed record SearchInputs(Model Original, Func<Model> Rewritten, string Fingerprint, CalibratedModel Calibrated, IDataSet Calibrating, IDataSet Held, IDataSet Judging, Func<IMetric>? Metric,
    Action<Model, PassReport, Func<Node, string?>, CancellationToken> StoreWeights);

/// <summary>Finds the fastest static quantization of a calibrated model whose error stays within the budget: measures, proposes, verifies on the whole network.</summary>
/// <param name="settings">Budgets and effort.</param>
/// <param name="inputs">What it works on.</param>
internal sealed class StaticSearch(QuantizeSettings settings, SearchInputs inputs)
{
    /// <summary>Shares of the fastest placement's error that the budgets tried allow.</summary>
    private static readonly double[] BudgetShares = [0.7, 0.45, 0.3, 0.2, 0.1, 0.05, 0.02];

    /// <summary>Eagerness at which every layer would be kept in 8 bits were it not for its error.</summary>
    private const double MostEager = 4;

    /// <summary>Candidates this much slower than the fastest one that is good enough are preferred where they are more accurate: nobody trades half a budget of accuracy for a few percent of speed.</summary>
    private const double Indifference = 1.05;

    /// <summary>What ranking may take: a layer alone runs as slowly as the float model, about twice as long as the candidate.</summary>
    private static readonly TimeSpan RankingTime = TimeSpan.FromSeconds(45);

    /// <summary>A speed-up from which on no float form of the model can be as fast.</summary>
    private const double BeyondFloat = 2;

    /// <summary>Candidates up to this much slower than the first that is good enough are tried all the same: they show what accuracy costs.</summary>
    private const double Front = 1.25;

    /// <summary>How many candidates of other kinds than the fastest are tried with it.</summary>
    private const int Others = 2;

    private readonly SessionSettings session = new() { Threads = settings.Threads };
    private readonly List<Trial> trials = [];

    /// <summary>One quantized model that was tried.</summary>
    /// <param name="Candidate">Its placement.</param>
    /// <param name="Exact">Layers whose weights are stored as they are, for the sake of accuracy, by key.</param>
    /// <param name="Model">The model.</param>
    /// <param name="Report">What was quantized.</param>
    /// <param name="Verdict">How good it is.</param>
    private sealed record Trial(PlacementCandidate Candidate, IReadOnlySet<string> Exact, Model Model, PassReport Report, Verdict Verdict)
    {
        public MedianInterval? SpeedUp { get; set; }

        public double? Milliseconds { get; set; }

        public long Bytes { get; } = Model.WeightBytes();
    }

    /// <summary>Why there was no result.</summary>
    public string Objection { get; private set; } = "";

    /// <summary>The float model's metric; null where there are no labels.</summary>
    public double? FloatMetric { get; private set; }

    /// <summary>What was tried, the fastest first.</summary>
    public IReadOnlyList<QuantizationCandidate> Candidates { get; private set; } = [];

    /// <summary>Runs the search; null when no placement is worth having, with <see cref="Objection"/> saying why.</summary>
    public QuantizeResult? Run(IProgress<JobProgress>? progress, CancellationToken cancellation)
    {
        CalibratedModel calibrated = inputs.Calibrated;
        Sample sample = inputs.Calibrating.Read(0);
        QuantizationNumbers numbers = new()
        {
            Format = settings.Format ?? EngineRules.For(settings.Target).Format,
            Ranges = RangeSelection.Given(settings, inputs.Calibrated) ?? RangeSelection.By(settings.Ranges ?? RangeSelection.Default, calibrated),
            StandardOperatorsOnly = settings.StandardOperatorsOnly,
        };
        progress?.Report(new("timing layers", 0));
        IReadOnlyDictionary<string, UnitTime> times = calibrated.Everything.Units.Count == 0 ? new Dictionary<string, UnitTime>()
            : UnitTimes.Measure(calibrated, numbers, sample.Steps[0], session, cancellation);
        var placements = new PlacementSearch(inputs.Original, calibrated, numbers, sample, session).Run(times, new StageProgress(progress, "placing"), cancellation);
        if (placements.Count == 0)
        {
            Objection = "there is no layer to quantize";
            return null;
        }
        (PlacementCandidate fastest, MedianInterval speed, double milliseconds) = placements[0];
        if (settings.RequireSpeed && SlowerThanFloat(fastest, numbers, speed, sample, progress, cancellation) is { } objection)
        {
            Candidates = [.. placements.Select(p => new QuantizationCandidate(p.Candidate.Name, FloatLayers(p.Candidate), null, null, p.SpeedUp, p.Milliseconds, 0, false))];
            Objection = objection;
            return null;
        }
        progress?.Report(new("running the float model", 0));
        Judge judge = new(settings, calibrated.Model, inputs.Held, inputs.Judging, inputs.Metric, session, cancellation);
        FloatMetric = judge.FloatMetric;

        RepairSearch repairs = new(settings, judge, inputs.Calibrating);
        CalibratedModel repaired = repairs.OfModel(calibrated, fastest, numbers, new StageProgress(progress, "repairing: scales"), cancellation);
        if (!ReferenceEquals(repaired, calibrated))
        {
            fastest = fastest.On(repaired);
            calibrated = repaired;
        }
        numbers = numbers with { Ranges = RangeSelection.Given(settings, inputs.Calibrated) ?? ChosenRanges(calibrated, fastest, numbers, judge, progress, cancellation) };
        QuantizationNumbers unrepaired = numbers;
        numbers = repairs.OfWeights(calibrated, fastest, numbers, new StageProgress(progress, "repairing: weights"), cancellation);

        Trial first = Try(calibrated, fastest, numbers, judge, new HashSet<string>(), cancellation);
        (first.SpeedUp, first.Milliseconds) = (speed, milliseconds);
        // The best of other kinds may be nearly as fast and much more exact.
        foreach (var other in placements.Where(p => p.SpeedUp.Median * Front >= speed.Median).DistinctBy(p => p.Candidate.Root).Where(p => p.Candidate.Root != fastest.Root).Take(Others))
        {
            PlacementCandidate candidate = other.Candidate.On(calibrated);
            QuantizationNumbers own = candidate.Forms.IsSubsetOf(fastest.Forms) ? numbers : repairs.OfWeightsAgain(calibrated, candidate, unrepaired, cancellation);
            Trial trial = Try(calibrated, candidate, own, judge, new HashSet<string>(), cancellation);
            (trial.SpeedUp, trial.Milliseconds) = (other.SpeedUp, other.Milliseconds);
        }
        IReadOnlyList<RankedLayer> ranking = [], regions = [];
        if (settings.SensitivitySamples > 0)
        {
            IDataSet few = inputs.Held.Take(RankingSamples(fastest, milliseconds));
            SensitivityRanking ranks = new(calibrated, numbers with { Dynamic = fastest.Dynamic }, new(calibrated.Model, few, session, cancellation), Cache(numbers, fastest, few));
            ranking = ranks.Layers(fastest.Placement, new StageProgress(progress, "ranking layers"), cancellation);
            regions = ranks.Regions(fastest.Placement, new StageProgress(progress, "ranking regions"), cancellation);
            TryBudgets(calibrated, first, ranking, numbers, judge, progress, cancellation);
        }
        Trial chosen = Choose(judge);
        if (settings is { RequireSpeed: true, StoreWeights: true } && !judge.IsGoodEnough(chosen.Verdict) && StoredIsCloser(chosen, judge, cancellation))
        {
            Trial quickest = trials.MaxBy(t => t.SpeedUp?.Median ?? 0)!;
            Objection = $"computes in float: no candidate in 8 bits keeps within the error allowed; the fastest runs {quickest.SpeedUp?.Median:0.00} times as fast here, at {Describe(quickest.Verdict)}";
            Candidates = Tried(null);
            return null;
        }
        progress?.Report(new("engine settings", 0));
        IReadOnlyDictionary<string, string> options = settings.StandardOperatorsOnly ? new Dictionary<string, string>() : SessionOptionSearch.Run(chosen.Model, sample, session, new StageProgress(progress, "engine settings"), cancellation);
        CarriedOptions.Set(chosen.Model, options);
        if (options.Count > 0)
            (chosen.SpeedUp, chosen.Milliseconds) = SpeedCheck.Measure([inputs.Original, chosen.Model], sample, session, new StageProgress(progress, "measuring speed"), cancellation)[1];
        if (settings.MinSpeedUp is { } least && !(chosen.SpeedUp?.Low >= least))
        {
            string problem = $"No candidate is {least:0.##} times as fast as the float model and within the error allowed; the one chosen reaches {chosen.SpeedUp?.Median:0.00} (at least {chosen.SpeedUp?.Low:0.00}). "
                + "Allow a larger drop (--max-drop, --min-sqnr) or a lower speed (--min-speedup).";
            throw new CompressionException(problem) { Pass = "quantize" };
        }
        Candidates = Tried(chosen);
        progress?.Report(new("profiling", 0));
        return new(chosen.Model, QuantizationMode.Static, chosen.Report, FloatMetric, judge.MetricName, [.. ranking.Select(r => new LayerSensitivity(r.Name, r.Noise))], Candidates)
        {
            Regions = [.. regions.Select(r => new LayerSensitivity(r.Name, r.Noise) { Layers = r.Units.Count(u => u.IsLayer) })],
            HigherIsBetter = judge.HigherIsBetter,
            WithinBudget = judge.IsGoodEnough(chosen.Verdict),
            Plan = MakePlan(chosen, times, ranking, numbers, repairs.Kept, options),
            Evidence = new()
            {
                Histograms = EvidenceCollector.Histograms(calibrated, chosen.Candidate, numbers),
                Operators = EvidenceCollector.Operators(inputs.Original, chosen.Model, sample.Steps[0], session, cancellation),
                Repairs = repairs.Trials,
            },
        };
    }

    /// <summary>As many samples as asked for, as long as ranking with them takes no longer than it may.</summary>
    private int RankingSamples(PlacementCandidate candidate, double milliseconds) =>
        (int)Math.Clamp(RankingTime.TotalMilliseconds / (2 * milliseconds * candidate.Placement.Units.Count(u => u.IsLayer)), Math.Min(2, settings.SensitivitySamples), settings.SensitivitySamples);

    private IReadOnlyList<QuantizationCandidate> Tried(Trial? chosen) => [.. trials.OrderByDescending(t => t.SpeedUp?.Median)
        .Select(t => new QuantizationCandidate(t.Candidate.Name, FloatLayers(t.Candidate), t.Verdict.Metric, t.Verdict.Sqnr, t.SpeedUp, t.Milliseconds, t.Bytes, ReferenceEquals(t, chosen)))];

    private static string Describe(Verdict verdict) => verdict.Metric is { } metric ? $"{metric:0.0000} of the metric" : $"{verdict.Sqnr:0.0} dB";

    /// <summary>Whether the float model with weights stored in 8 bits is nearer to the float model than the best candidate that computes in 8 bits.</summary>
    private bool StoredIsCloser(Trial best, Judge judge, CancellationToken cancellation)
    {
        Model stored = inputs.Rewritten().Clone();
        inputs.StoreWeights(stored, new(), _ => null, cancellation);
        Verdict verdict = judge.Of(stored, cancellation);
        return judge.IsGoodEnough(verdict) || judge.Score(verdict) > judge.Score(best.Verdict);
    }

    /// <summary>Why the fastest placement is not worth its error: the model is as fast in float, as it was given or rewritten for the engine. Null when it is worth it.</summary>
    private string? SlowerThanFloat(PlacementCandidate fastest, QuantizationNumbers numbers, MedianInterval speed, Sample sample, IProgress<JobProgress>? progress, CancellationToken cancellation)
    {
        if (speed.High < 1)
            return $"computes in float: in 8 bits the model runs {speed.Median:F2} times as fast here";
        if (speed.Median > BeyondFloat || !settings.Optimize)
            return null;
        progress?.Report(new("comparing with float", 0));
        Model quantized = inputs.Calibrated.Build(fastest.Placement, numbers with { Dynamic = fastest.Dynamic }, out _);
        var measured = SpeedCheck.Measure([inputs.Rewritten(), quantized], sample, session, new StageProgress(progress, "comparing with float"), cancellation);
        return measured[1].SpeedUp.Median < 1 ? $"computes in float: rewritten for the engine, the float model is {1 / measured[1].SpeedUp.Median:F2} times as fast as the one in 8 bits here" : null;
    }

    private Dictionary<string, ActivationRange> ChosenRanges(CalibratedModel calibrated, PlacementCandidate candidate, QuantizationNumbers numbers, Judge judge, IProgress<JobProgress>? progress, CancellationToken cancellation) =>
        settings.Ranges is { } estimator ? RangeSelection.By(estimator, calibrated)
        : RangeSelection.Measured(calibrated, candidate.Placement.Only(u => !candidate.Dynamic.Contains(u.Key)), numbers.Format, judge.Noise, session, new StageProgress(progress, "choosing ranges"), cancellation);

    /// <summary>Builds and judges a candidate. What stays float is stored in 8 bits, unless the error is too great with it and smaller without.</summary>
    /// <param name="calibrated">The calibrated model.</param>
    /// <param name="candidate">Its placement.</param>
    /// <param name="numbers">To quantize with.</param>
    /// <param name="judge">Says how good it is.</param>
    /// <param name="sensitive">Layers that stay float for the sake of accuracy.</param>
    /// <param name="cancellation">Stops it.</param>
    private Trial Try(CalibratedModel calibrated, PlacementCandidate candidate, QuantizationNumbers numbers, Judge judge, IReadOnlySet<string> sensitive, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        Trial stored = Build(new HashSet<string>());
        Trial trial = stored;
        if (sensitive.Count > 0 && settings.StoreWeights && !judge.IsGoodEnough(stored.Verdict) && Build(sensitive) is var exact && judge.IsBetter(exact.Verdict, stored.Verdict))
            trial = exact;
        trials.Add(trial);
        return trial;

        Trial Build(IReadOnlySet<string> exact)
        {
            Model model = calibrated.Build(candidate.Placement, numbers with { Dynamic = candidate.Dynamic }, out PassReport report);
            inputs.StoreWeights(model, report, n => n.Output(0) is { } output && exact.Contains(output.Name) ? "its layer is sensitive" : null, cancellation);
            return new(candidate, exact, model, report, judge.Of(model, cancellation));
        }
    }

    /// <summary>Placements under error budgets of ever smaller shares of the fastest one's error, as long as they are not much slower than one that is good enough.</summary>
    private void TryBudgets(CalibratedModel calibrated, Trial first, IReadOnlyList<RankedLayer> ranking, QuantizationNumbers numbers, Judge judge, IProgress<JobProgress>? progress, CancellationToken cancellation)
    {
        double whole = ranking.Sum(r => Math.Min(r.Noise, 1e6));
        if (!(whole > 0))
            return;
        // The costs that gave the fastest placement, the same preference for 8 bits included.
        IReadOnlyList<PlacementProblem> problems = calibrated.Problems(first.Candidate.Times, Math.Min(first.Candidate.Eagerness, MostEager)), fair = calibrated.Problems(first.Candidate.Times);
        Dictionary<string, double> noiseOf = ranking.SelectMany(r => r.Units, (r, unit) => (unit.Key, r.Noise)).ToDictionary(p => p.Key, p => p.Noise);
        HashSet<string> seen = [first.Candidate.Signature];
        double? good = judge.IsGoodEnough(first.Verdict) ? Cost(first.Candidate) : null;
        for (int i = 0; i < BudgetShares.Length; i++)
        {
            progress?.Report(new("choosing", (double)i / BudgetShares.Length));
            IReadOnlySet<string> chosen = BudgetProgram.Solve(problems, ranking, BudgetShares[i] * whole);
            QuantizationPlacement placement = first.Candidate.Placement.Only(u => chosen.Contains(u.Key), u => $"alone it leaves {OutputNoise.Decibel(noiseOf.GetValueOrDefault(u.Key)):F1} dB");
            HashSet<string> dynamic = first.Candidate.Dynamic.Count > 0 ? [.. placement.Isolated().Select(u => u.Key)] : [];
            PlacementCandidate candidate = new($"{BudgetShares[i]:0.##} of the error", placement, dynamic, first.Candidate.Times, first.Candidate.Eagerness);
            if (placement.Units.Count == 0 || !seen.Add(candidate.Signature))
                continue;
            if (good is { } cheapest && Cost(candidate) > Front * cheapest)
                break;
            Trial trial = Try(calibrated, candidate, numbers, judge, first.Candidate.Placement.Units.Select(u => u.Key).Except(chosen).ToHashSet(), cancellation);
            if (good is null && judge.IsGoodEnough(trial.Verdict))
                good = Cost(candidate);
        }
        var measured = SpeedCheck.Measure([inputs.Original, .. trials.Select(t => t.Model)], inputs.Calibrating.Read(0), session, new StageProgress(progress, "measuring speed"), cancellation);
        foreach ((Trial trial, (MedianInterval speedUp, double milliseconds)) in trials.Zip(measured.Skip(1)))
            (trial.SpeedUp, trial.Milliseconds) = (speedUp, milliseconds);

        double Cost(PlacementCandidate candidate)
        {
            HashSet<string> keys = [.. candidate.Placement.Units.Select(u => u.Key)];
            return fair.Sum(p => p.Cost(p.Units.Where(u => keys.Contains(u.Key)).ToHashSet()));
        }
    }

    /// <summary>The fastest that is good enough; of those that are nearly as fast, the most accurate. Where none is good enough, the best there is.</summary>
    private Trial Choose(Judge judge)
    {
        Trial[] affordable = [.. trials.Where(t => settings.MaxBytes is not { } most || t.Bytes <= most)];
        if (affordable.Length == 0)
            throw new CompressionException($"The smallest candidate has {trials.Min(t => t.Bytes)} bytes of weights; at most {settings.MaxBytes} are allowed (--max-size).") { Pass = "quantize" };
        Trial[] good = [.. affordable.Where(t => judge.IsGoodEnough(t.Verdict) && (!settings.RequireSpeed || t.SpeedUp is not { High: < 1 }))];
        if (good.Length > 0)
        {
            double best = good.Max(t => t.SpeedUp?.Median ?? 0);
            return good.Where(t => (t.SpeedUp?.Median ?? 0) * Indifference >= best && !(settings.MinSpeedUp is { } least && t.SpeedUp?.Low < least && good.Any(g => g.SpeedUp?.Low >= least)))
                .OrderByDescending(t => judge.Score(t.Verdict)).ThenByDescending(t => t.Verdict.Sqnr).FirstOrDefault() ?? good.MaxBy(t => t.SpeedUp?.Median ?? 0)!;
        }
        Trial[] worth = [.. affordable.Where(t => !settings.RequireSpeed || t.SpeedUp is not { High: < 1 })];
        return (worth.Length > 0 ? worth : affordable).MaxBy(t => judge.Score(t.Verdict))!;
    }

    private int FloatLayers(PlacementCandidate candidate) =>
        inputs.Calibrated.Everything.Units.Count(u => u.IsLayer) - candidate.Placement.Units.Count(u => u.IsLayer);

    /// <summary>Everything that the error of a layer depends on.</summary>
    private SensitivityCache Cache(QuantizationNumbers numbers, PlacementCandidate candidate, IDataSet samples)
    {
        IEnumerable<byte[]> Parts()
        {
            yield return Encoding.UTF8.GetBytes($"{inputs.Fingerprint}\n{numbers.Format}\n{numbers.StandardOperatorsOnly}\n{MachineInfo.Here().Engine}\n{candidate.Signature}");
            foreach ((string name, ActivationRange range) in numbers.Ranges.OrderBy(r => r.Key, StringComparer.Ordinal))
                yield return Encoding.UTF8.GetBytes($"{name}\t{range.Low:R}\t{range.High:R}\n");
            foreach ((string name, float[] scales) in numbers.WeightScales.OrderBy(w => w.Key, StringComparer.Ordinal))
                yield return [.. Encoding.UTF8.GetBytes(name), .. scales.SelectMany(BitConverter.GetBytes)];
            foreach (RepairedConstant constant in numbers.Repaired)
                yield return BitConverter.GetBytes(constant.Tensor.ContentHash());
            foreach (Tensor tensor in samples.Samples().SelectMany(s => s.Steps).SelectMany(s => s.Values))
                yield return BitConverter.GetBytes(tensor.ContentHash());
        }
        return new(settings.CacheFolder, settings.CacheFolder is null ? [] : Parts());
    }

    private QuantizationPlan MakePlan(Trial chosen, IReadOnlyDictionary<string, UnitTime> times, IReadOnlyList<RankedLayer> ranking, QuantizationNumbers numbers, IReadOnlyList<string> repairs, IReadOnlyDictionary<string, string> options)
    {
        MachineInfo machine = MachineInfo.Here();
        HashSet<string> quantized = [.. chosen.Candidate.Placement.Units.Select(u => u.Key)];
        Dictionary<string, double> noise = ranking.ToDictionary(r => r.Units[0].Key, r => r.Noise);
        ILookup<string, string> reasons = chosen.Candidate.Placement.Skipped.ToLookup(s => s.Subject, s => s.Reason);
        return new()
        {
            Model = inputs.Fingerprint,
            Target = settings.Target,
            Cpu = machine.Cpu,
            Engine = machine.Engine,
            Format = PlannedFormat.Of(numbers.Format),
            Seed = settings.Seed,
            CalibrationSamples = settings.CalibrationSamples,
            Repairs = repairs,
            StoredWeightBits = settings.StoredBits,
            SessionOptions = options,
            Layers = [.. inputs.Calibrated.Everything.Units.Select(u =>
            {
                LayerForm form = Form(u);
                UnitTime? time = times.GetValueOrDefault(u.Key);
                return new PlannedLayer(u.Key, u.Name, u.Rule.OpType, form, time?.Float, form == LayerForm.Dynamic ? time?.Dynamic ?? time?.Quantized : time?.Quantized, noise.TryGetValue(u.Key, out double n) ? n : null, Reason(u, form));
            })],
            Ranges = [.. numbers.Ranges.Select(r => new PlannedRange(r.Key, r.Value.Low, r.Value.High, r.Value.Estimator))],
        };

        LayerForm Form(QuantizationUnit unit) =>
            quantized.Contains(unit.Key) ? chosen.Candidate.Dynamic.Contains(unit.Key) ? LayerForm.Dynamic : LayerForm.Static
            : unit.IsLayer && settings.StoreWeights && !chosen.Exact.Contains(unit.Key) ? LayerForm.Stored : LayerForm.Float;

        string Reason(QuantizationUnit unit, LayerForm form) => form switch
        {
            LayerForm.Static => "part of the fastest placement within the budget",
            LayerForm.Dynamic => "stands between float values: its input's range is found at run time",
            _ when reasons[unit.Anchor.ToString()].LastOrDefault() is { } reason => reason,
            _ => "the float operators beside it would need conversions that cost more than it saves",
        };
    }
}
