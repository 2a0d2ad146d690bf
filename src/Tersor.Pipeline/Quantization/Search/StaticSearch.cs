using Tersor.Compression.Quantization.Placement;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Pipeline.Quantization;

/// <summary>Finds statically quantized models that are worth a judgement: measures layers, proposes placements, repairs, spares the layers that cost most accuracy.</summary>
/// <param name="settings">Effort.</param>
/// <param name="inputs">What it works on.</param>
internal sealed class StaticSearch(QuantizeSettings settings, SearchInputs inputs)
{
    /// <summary>Candidates up to this much slower than the first that is good enough are tried all the same: they show what accuracy costs.</summary>
    public const double Front = 1.25;

    /// <summary>What ranking may take: a layer alone runs as slowly as the float model, about twice as long as the candidate.</summary>
    private static readonly TimeSpan RankingTime = TimeSpan.FromSeconds(45);

    /// <summary>A speed-up from which on no float form of the model can be as fast.</summary>
    private const double BeyondFloat = 2;

    /// <summary>How many candidates of other kinds than the fastest are tried with it.</summary>
    private const int Others = 2;

    private readonly SessionSettings session = new() { Threads = settings.Threads };
    private readonly TrialBuilder builder = new(inputs);
    private readonly RepairSearch repairs = new(settings, inputs.Judge, inputs.Samples.Calibrating);

    /// <summary>Why there is nothing to try; null where there is.</summary>
    public string? Objection { get; private set; }

    /// <summary>Times of layers in float and in 8 bits, by unit.</summary>
    public IReadOnlyDictionary<string, UnitTime> Times { get; private set; } = new Dictionary<string, UnitTime>();

    /// <summary>Layers by the error each causes alone, the most sensitive first.</summary>
    public IReadOnlyList<RankedLayer> Ranking { get; private set; } = [];

    /// <summary>The same for regions of several layers.</summary>
    public IReadOnlyList<RankedLayer> Regions { get; private set; } = [];

    /// <summary>Repairs that were tried.</summary>
    public IReadOnlyList<RepairTrial> RepairTrials => repairs.Trials;

    /// <summary>Models to choose from; none where 8 bits do not pay, with <see cref="Objection"/> saying why.</summary>
    public IReadOnlyList<Trial> Run(IProgress<JobProgress>? progress, CancellationToken cancellation)
    {
        Sample sample = inputs.Samples.Calibrating.Read(0);
        bool isPlain = inputs.IsPlain;
        CalibratedModel calibrated = inputs.Calibrated!.Value;
        QuantizationNumbers numbers = FirstNumbers(calibrated);
        var placements = Placements(calibrated, numbers, sample, progress, cancellation);
        StaticForm? plain = null;
        if (inputs.Plain is not null)
        {
            plain = new(PlacementSearch.Everything(inputs.Plain.Value, "the graph as it was, everything that has an 8-bit form"), inputs.Plain.Value, FirstNumbers(inputs.Plain.Value)) { IsPlain = true };
            if (Faster(plain, placements, sample, progress, cancellation) is { } plainPlacements)
                (calibrated, numbers, placements, isPlain, plain) = (plain.Calibrated, plain.Numbers, plainPlacements, true, null);
        }
        if (placements.Count == 0)
        {
            Objection = "there is no layer to quantize";
            return [];
        }
        (PlacementCandidate fastest, MedianInterval speed, double milliseconds) = placements[0];
        if (settings.RequireSpeed && SlowerThanFloat(new(fastest, calibrated, numbers), speed, sample, progress, cancellation) is { } objection)
        {
            Objection = objection;
            return [];
        }
        CalibratedModel repaired = inputs.Time.Try(stop => repairs.OfModel(calibrated, fastest, numbers, new StageProgress(progress, "repairing: scales"), stop), calibrated, cancellation);
        if (!ReferenceEquals(repaired, calibrated))
        {
            fastest = fastest.On(repaired);
            calibrated = repaired;
        }
        numbers = numbers with { Ranges = Ranges(calibrated, fastest, numbers, progress, cancellation) };
        QuantizationNumbers unrepaired = numbers;
        numbers = inputs.Time.Try(stop => repairs.OfWeights(calibrated, fastest, unrepaired, new StageProgress(progress, "repairing: weights"), stop), unrepaired, cancellation);

        progress?.Report(new("judging", 0));
        StaticForm form = new(fastest, calibrated, numbers) { IsPlain = isPlain, Repairs = repairs.Kept };
        List<Trial> trials = [builder.Build(form, cancellation)];
        if (plain is not null && !inputs.Time.IsOver)
            trials.Add(builder.Build(plain, cancellation));
        // The best of other kinds may be nearly as fast and much more exact.
        foreach (var other in placements.Where(p => p.SpeedUp.Median * Front >= speed.Median).DistinctBy(p => p.Candidate.Root).Where(p => p.Candidate.Root != fastest.Root).Take(Others).TakeWhile(_ => !inputs.Time.IsOver))
        {
            PlacementCandidate candidate = other.Candidate.On(calibrated);
            QuantizationNumbers own = candidate.Forms.IsSubsetOf(fastest.Forms) ? numbers : repairs.OfWeightsAgain(calibrated, candidate, unrepaired, cancellation);
            trials.Add(builder.Build(form with { Candidate = candidate, Numbers = own }, cancellation));
        }
        if (settings.SensitivitySamples > 0 && inputs.Time.Try(stop => Rank(trials[0].Static!, milliseconds, progress, stop), false, cancellation))
            trials.AddRange(new BudgetSearch(trials[0], Ranking, builder, inputs.Time).Run(progress, cancellation));
        return trials;
    }

    private QuantizationNumbers FirstNumbers(CalibratedModel calibrated) => new()
    {
        Format = settings.Format ?? EngineRules.For(settings.Target).Format,
        Ranges = RangeSelection.Given(settings, calibrated) ?? RangeSelection.By(settings.Ranges ?? RangeSelection.Default, calibrated),
        StandardOperatorsOnly = settings.StandardOperatorsOnly,
    };

    private IReadOnlyList<(PlacementCandidate Candidate, MedianInterval SpeedUp, double Milliseconds)> Placements(CalibratedModel calibrated, QuantizationNumbers numbers, Sample sample, IProgress<JobProgress>? progress, CancellationToken cancellation)
    {
        progress?.Report(new("timing layers", 0));
        Times = calibrated.Everything.Units.Count == 0 ? new Dictionary<string, UnitTime>() : UnitTimes.Measure(calibrated, numbers, sample.Steps[0], session, cancellation);
        return new PlacementSearch(inputs.Original, calibrated, numbers, sample, session, inputs.Time).Run(Times, new StageProgress(progress, "placing"), cancellation);
    }

    /// <summary>Placements of the model as it was given, where everything in 8 bits is faster there than the best placement of the rewritten model: what rewriting wins for most networks it loses for some. Else null.</summary>
    private IReadOnlyList<(PlacementCandidate Candidate, MedianInterval SpeedUp, double Milliseconds)>? Faster(StaticForm plain, IReadOnlyList<(PlacementCandidate Candidate, MedianInterval SpeedUp, double Milliseconds)> rewritten,
        Sample sample, IProgress<JobProgress>? progress, CancellationToken cancellation)
    {
        if (plain.Calibrated.Everything.Units.Count == 0)
            return null;
        CalibratedModel other = inputs.Calibrated!.Value;
        Model[] best = rewritten.Count == 0 ? [] : [new StaticForm(rewritten[0].Candidate, other, FirstNumbers(other)).Build(out _)];
        var measured = SpeedCheck.Measure([inputs.Original, plain.Build(out _), .. best], sample, session, inputs.Time, new StageProgress(progress, "comparing with the plain form"), cancellation);
        if (best.Length > 0 && measured[1].SpeedUp.Low <= measured[2].SpeedUp.Median)
            return null;
        IReadOnlyDictionary<string, UnitTime> before = Times;
        var found = Placements(plain.Calibrated, plain.Numbers, sample, progress, cancellation);
        if (found.Count > 0 && (rewritten.Count == 0 || found[0].SpeedUp.Median > rewritten[0].SpeedUp.Median))
            return found;
        Times = before;
        return null;
    }

    private Dictionary<string, ActivationRange> Ranges(CalibratedModel calibrated, PlacementCandidate candidate, QuantizationNumbers numbers, IProgress<JobProgress>? progress, CancellationToken cancellation) =>
        RangeSelection.Given(settings, calibrated)
        ?? (settings.Ranges is { } estimator ? RangeSelection.By(estimator, calibrated)
        : RangeSelection.Measured(calibrated, candidate.Placement.Only(u => !candidate.Dynamic.Contains(u.Key)), numbers.Format, inputs.Samples, session, inputs.Time, new StageProgress(progress, "choosing ranges"), cancellation));

    /// <summary>Measures the error every layer and region of a placement causes alone.</summary>
    private bool Rank(StaticForm form, double milliseconds, IProgress<JobProgress>? progress, CancellationToken cancellation)
    {
        IDataSet few = inputs.Samples.Held.Take(RankingSamples(form.Candidate, milliseconds));
        QuantizationNumbers numbers = form.Numbers with { Dynamic = form.Candidate.Dynamic };
        SensitivityRanking ranks = new(form.Calibrated, numbers, new(form.Calibrated.Model, few, session, cancellation), SensitivityCache.For(settings.CacheFolder, form, few));
        Ranking = ranks.Layers(form.Candidate.Placement, new StageProgress(progress, "ranking layers"), cancellation);
        Regions = ranks.Regions(form.Candidate.Placement, new StageProgress(progress, "ranking regions"), cancellation);
        return true;
    }

    /// <summary>As many samples as asked for, as long as ranking with them takes no longer than it may.</summary>
    private int RankingSamples(PlacementCandidate candidate, double milliseconds) =>
        (int)Math.Clamp(inputs.Time.AtMost(RankingTime, 0.3).TotalMilliseconds / (2 * milliseconds * candidate.Placement.Units.Count(u => u.IsLayer)), Math.Min(2, settings.SensitivitySamples), settings.SensitivitySamples);

    /// <summary>Why the fastest placement is not worth its error: the model is as fast in float, as it was given or rewritten for the engine. Null when it is worth it.</summary>
    private string? SlowerThanFloat(StaticForm fastest, MedianInterval speed, Sample sample, IProgress<JobProgress>? progress, CancellationToken cancellation)
    {
        if (speed.High < 1)
            return $"computes in float: in 8 bits the model runs {speed.Median:F2} times as fast here";
        if (speed.Median > BeyondFloat || !settings.Optimize)
            return null;
        progress?.Report(new("comparing with float", 0));
        var measured = SpeedCheck.Measure([inputs.Rewritten.Value, fastest.Build(out _)], sample, session, inputs.Time, new StageProgress(progress, "comparing with float"), cancellation);
        return measured[1].SpeedUp.Median < 1 ? $"computes in float: rewritten for the engine, the float model is {1 / measured[1].SpeedUp.Median:F2} times as fast as the one in 8 bits here" : null;
    }
}
