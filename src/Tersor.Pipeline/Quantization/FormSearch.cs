using Tersor.Compression;
using Tersor.Compression.Quantization.Placement;
using Tersor.Data;
using Tersor.Pipeline.Judging;
using Tersor.Runtime;

namespace Tersor.Pipeline.Quantization;

/// <summary>Tries every form a quantized model may take, times them beside the original, and chooses. The original is what is left where none is within the budget.</summary>
/// <param name="settings">Limits and effort.</param>
/// <param name="inputs">What it works on.</param>
/// <param name="forms">Makes what needs no calibration.</param>
/// <param name="training">Trains the quantized model; null: a search for layers to spare instead.</param>
internal sealed class FormSearch(QuantizeSettings settings, SearchInputs inputs, OtherForms forms, QuantizationTraining? training)
{
    /// <summary>Share of the weights' bytes that a model may have at most to be a gain by its size alone.</summary>
    private const double Smaller = 0.99;

    private readonly SessionSettings session = new() { Threads = settings.Threads };
    private readonly TrialBuilder builder = new(inputs);
    private StaticSearch? search;

    /// <summary>Runs it.</summary>
    /// <param name="mode">Where ranges come from: anything but <see cref="QuantizationMode.Auto"/>.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="CompressionException">No result is as small or as fast as it has to be.</exception>
    public QuantizeResult Run(QuantizationMode mode, IProgress<JobProgress>? progress, CancellationToken cancellation)
    {
        Sample sample = inputs.Samples.Calibrating.Read(0);
        List<Trial> trials = [.. Ranged(mode, progress, cancellation)];
        // Whoever gives data gets nothing slower and nothing less exact than whoever gives none. Training is asked for, as slower models are: there, other forms are what is left.
        if (trials.Count == 0 || mode == QuantizationMode.Static && (settings.RequireSpeed && training is null || !trials.Exists(t => t.Verdict.Fits)))
            trials.AddRange(Others(mode, progress, cancellation));
        trials = Timed(trials, sample, progress, cancellation);
        // A form of which nothing was left within the budget is the float model again: worth having only where rewriting it made it faster.
        bool broken = trials.Exists(t => t.Exact.Count > 0 && t.Report.Changes.Count == 0);
        trials = [.. trials.Select(t => t.Report.Changes.Count > 0 ? t : t with { Name = "float, rewritten for the engine" }).Where(t => t.Report.Changes.Count > 0 || t.SpeedUp?.Low > QuantizeResult.Faster)];
        // Whoever names another form than the usual one has it for its size.
        Trial? chosen = new TrialChoice(settings with { RequireSpeed = settings.RequireSpeed && mode == QuantizationMode.Static }).Choose([.. trials.Where(IsGain)]);
        return chosen is null ? Nothing(mode, trials, broken) : Result(chosen, trials, sample, progress, cancellation);
    }

    /// <summary>Whether a model is worth having, for its speed or its size; one that was asked for whatever its speed is.</summary>
    private bool IsGain(Trial trial) => !settings.RequireSpeed || trial.SpeedUp?.Low > QuantizeResult.Faster || trial.Bytes < Smaller * inputs.Original.WeightBytes();

    /// <summary>The trials with their speeds. What is one graph is timed once: chance would make one of two seem faster.</summary>
    private List<Trial> Timed(List<Trial> trials, Sample sample, IProgress<JobProgress>? progress, CancellationToken cancellation)
    {
        IGrouping<string, Trial>[] graphs = [.. trials.Select((trial, i) => (trial, Key: trial.Layout is { } layout ? $"{layout}, exact: {string.Join(' ', trial.Exact.Order(StringComparer.Ordinal))}" : $"{i}")).GroupBy(t => t.Key, t => t.trial)];
        var measured = SpeedCheck.Measure([inputs.Original, .. graphs.Select(g => g.First().Model)], sample, session, inputs.Time, new StageProgress(progress, "measuring speed"), cancellation);
        return [.. graphs.Zip(measured.Skip(1), (graph, speed) => graph.Select(t => t with { SpeedUp = speed.SpeedUp, Milliseconds = speed.Milliseconds })).SelectMany(t => t)];
    }

    /// <summary>Forms with the ranges that were asked for.</summary>
    private IReadOnlyList<Trial> Ranged(QuantizationMode mode, IProgress<JobProgress>? progress, CancellationToken cancellation)
    {
        if (mode != QuantizationMode.Static)
            return [];
        if (training is not null)
            return new TrainedSearch(settings, inputs, training).Run(progress, cancellation);
        search = new(settings, inputs);
        return search.Run(progress, cancellation);
    }

    /// <summary>Forms without ranges from calibration.</summary>
    private IEnumerable<Trial> Others(QuantizationMode mode, IProgress<JobProgress>? progress, CancellationToken cancellation)
    {
        progress?.Report(new("trying other forms", 0));
        if (mode != QuantizationMode.Weights)
        {
            Trial dynamic = builder.Build("products quantized at run time", QuantizationMode.Dynamic, forms.Dynamic, cancellation);
            // Without a product it is what comes next.
            if (mode == QuantizationMode.Dynamic || OtherForms.HasDynamic(dynamic.Model))
                yield return dynamic;
        }
        if (mode != QuantizationMode.Dynamic && (mode == QuantizationMode.Weights || settings.StoreWeights))
            yield return builder.Build("weights stored small", QuantizationMode.Weights, forms.Weights, cancellation);
    }

    private QuantizeResult Result(Trial chosen, IReadOnlyList<Trial> trials, Sample sample, IProgress<JobProgress>? progress, CancellationToken cancellation)
    {
        IReadOnlyDictionary<string, string> options = new Dictionary<string, string>();
        Trial timed = chosen;
        if (chosen.Mode != QuantizationMode.Weights && !settings.StandardOperatorsOnly)
        {
            progress?.Report(new("engine settings", 0));
            options = SessionOptionSearch.Run(chosen.Model, sample, session, inputs.Time, new StageProgress(progress, "engine settings"), cancellation);
            CarriedOptions.Set(chosen.Model, options);
            if (options.Count > 0)
            {
                (MedianInterval speedUp, double milliseconds) = SpeedCheck.Measure([inputs.Original, chosen.Model], sample, session, inputs.Time, new StageProgress(progress, "measuring speed"), cancellation)[1];
                timed = chosen with { SpeedUp = speedUp, Milliseconds = milliseconds };
            }
        }
        if (settings.MinSpeedUp is { } least && !(timed.SpeedUp?.Low >= least))
        {
            string problem = $"No candidate is {least:0.##} times as fast as the float model and within the error allowed; the one chosen reaches {timed.SpeedUp?.Median:0.00} (at least {timed.SpeedUp?.Low:0.00}). "
                + "Allow a larger loss (--max-drop, --min-cosine, --min-sqnr) or a lower speed (--min-speedup).";
            throw new CompressionException(problem) { Pass = "quantize" };
        }
        Explain(chosen);
        progress?.Report(new("profiling", 0));
        return Described(new(chosen.Model, chosen.Mode, chosen.Report, null, null, [], []), chosen.Verdict, trials.Select(t => (ReferenceEquals(t, chosen) ? timed : t, ReferenceEquals(t, chosen)))) with
        {
            Plan = chosen.Static is not null && search is not null ? PlanMaker.Of(chosen, search, settings, options) : null,
            Evidence = new()
            {
                Histograms = chosen.Static is { } form ? EvidenceCollector.Histograms(form) : [],
                Operators = EvidenceCollector.Operators(inputs.Original, chosen.Model, sample.Steps[0], session, cancellation),
                Repairs = search?.RepairTrials ?? [],
            },
            Training = trials.Select(t => t.Training).FirstOrDefault(t => t is not null),
        };
    }

    /// <summary>The original, and why it is what is left.</summary>
    /// <param name="mode">What was asked for.</param>
    /// <param name="trials">What was tried and kept something.</param>
    /// <param name="broken">Whether there were forms of which the budget left nothing.</param>
    /// <exception cref="CompressionException">It is not as small or as fast as it has to be.</exception>
    private QuantizeResult Nothing(QuantizationMode mode, IReadOnlyList<Trial> trials, bool broken)
    {
        Trial[] fitting = [.. trials.Where(t => t.Verdict.Fits)];
        string reason = trials.Count == 0 && broken ? "nothing of it keeps within the error allowed in fewer bits"
            : search?.Objection is { } objection && trials.Count == 0 ? objection
            : fitting.Length > 0 ? $"whatever keeps within the error allowed is {(fitting.Any(IsGain) ? "slower than" : "neither faster nor smaller than")} the float model here"
            : trials.MinBy(t => t.Verdict, VerdictOrder.BestFirst) is { } best ? $"nothing keeps within the error allowed; of '{best.Name}', the closest, {best.Verdict.Reason}"
            : "there is nothing to quantize";
        // What was demanded of the result the model that was given does not have.
        if (settings.MinSpeedUp is > 1 and var least)
            throw new CompressionException($"No result is {least:0.##} times as fast as the float model (--min-speedup): {reason}.") { Pass = "quantize" };
        if (settings.MaxBytes is { } most && inputs.Original.WeightBytes() is var bytes && bytes > most)
            throw new CompressionException($"No result has at most {Plural.Of(most, "byte")} of weights (--max-size), the model has {bytes}: {reason}.") { Pass = "quantize" };
        PassReport report = new();
        foreach (QuantizationUnit unit in inputs.Calibrated?.Value.Everything.Units.Where(u => u.IsLayer) ?? [])
            report.Skip(unit.Anchor.ToString(), reason);
        return Described(new(inputs.Original, mode, report, null, null, [], []) { NoGain = reason }, null, trials.Select(t => (t, false)));
    }

    private QuantizeResult Described(QuantizeResult result, Verdict? verdict, IEnumerable<(Trial Trial, bool Chosen)> trials) => result with
    {
        Verdict = verdict,
        Budget = inputs.Judge.Limits,
        FloatMetric = verdict?.Metric?.Original ?? trials.Select(t => t.Trial.Verdict.Metric?.Original).FirstOrDefault(m => m is not null),
        MetricName = inputs.Judge.MetricName,
        HigherIsBetter = inputs.Judge.HigherIsBetter,
        Sensitivities = [.. search?.Ranking.Select(r => new LayerSensitivity(r.Name, r.Noise)) ?? []],
        Regions = [.. search?.Regions.Select(r => new LayerSensitivity(r.Name, r.Noise) { Layers = r.Units.Count(u => u.IsLayer) }) ?? []],
        Candidates = [.. trials.OrderByDescending(t => t.Trial.SpeedUp?.Median).Select(t => t.Trial.Described(t.Chosen))],
    };

    /// <summary>Layers that could run in 8 bits, where another form was chosen: why they do not.</summary>
    private void Explain(Trial chosen)
    {
        if (chosen.Mode == QuantizationMode.Static || inputs.Calibrated is not { IsValueCreated: true, Value: var calibrated })
            return;
        string reason = search?.Objection ?? $"'{chosen.Name}' was the fastest within the error allowed";
        HashSet<string> done = [.. chosen.Report.Changes.Select(c => c.Subject)];
        foreach (QuantizationUnit unit in calibrated.Everything.Units.Where(u => u.IsLayer && !done.Contains(u.Anchor.ToString())))
            chosen.Report.Skip(unit.Anchor.ToString(), reason);
        foreach (PassSkip skip in calibrated.Everything.Skipped)
            chosen.Report.Skip(skip.Subject, skip.Reason);
    }
}
