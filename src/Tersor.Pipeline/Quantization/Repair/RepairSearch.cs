using Tersor.Compression.Quantization.Placement;
using Tersor.Data;
using Tersor.Pipeline.Judging;

namespace Tersor.Pipeline.Quantization;

/// <summary>Tries repairs one after the other, and keeps those that help on held-out samples.</summary>
/// <param name="settings">Which may be tried.</param>
/// <param name="judge">Says what helps.</param>
/// <param name="calibrating">Unlabelled samples.</param>
internal sealed class RepairSearch(QuantizeSettings settings, Judge judge, IDataSet calibrating)
{
    /// <summary>Samples that repairs of the float model are tried with, before the whole set is run again for those that help.</summary>
    private const int TrialSamples = 16;

    private readonly List<RepairTrial> trials = [];

    /// <summary>What was tried.</summary>
    public IReadOnlyList<RepairTrial> Trials => trials;

    /// <summary>What is kept, in order.</summary>
    public IReadOnlyList<string> Kept => [.. settings.KnownRanges?.Repairs ?? [], .. trials.Where(t => t.Kept).Select(t => t.Name)];

    /// <summary>The model with those repairs of the float model that help it, calibrated.</summary>
    /// <remarks>Ranges given by the user belong to the model with the repairs it had when they were found: those are made, and no others.</remarks>
    public CalibratedModel OfModel(CalibratedModel model, PlacementCandidate candidate, QuantizationNumbers numbers, IProgress<double>? progress, CancellationToken cancellation)
    {
        if (settings.KnownRanges is { } known)
            return known.Repairs.Count == 0 ? model : ModelRepairs.Apply(known.Repairs, model, calibrating, cancellation).Calibrate(calibrating, settings.Threads, progress, cancellation);
        string[] open = [.. RepairNames.All.Where(r => ModelRepairs.Has(r) && settings.Repairs.Contains(r))];
        if (open.Length == 0)
            return model;
        IDataSet few = TrialSamplesOf(calibrating);
        CalibratedModel best = model.Calibrate(few, threads: 1, null, cancellation);
        Verdict? reached = null;
        for (int i = 0; i < open.Length; i++)
        {
            progress?.Report((double)i / open.Length);
            if (ModelRepairs.Apply(open[i], best) is not { } repaired)
                continue;
            reached ??= Verdict(best);
            CalibratedModel tried = model.For(repaired, cancellation).Calibrate(few, threads: 1, null, cancellation);
            Verdict verdict = Verdict(tried);
            bool kept = VerdictOrder.IsBetter(verdict, reached);
            trials.Add(new(open[i], reached.Sqnr, verdict.Sqnr, reached.Metric?.Value, verdict.Metric?.Value, kept));
            if (kept)
                (best, reached) = (tried, verdict);
        }
        return trials.Any(t => t.Kept) ? best.Calibrate(calibrating, settings.Threads, progress, cancellation) : model;

        Verdict Verdict(CalibratedModel tried)
        {
            HashSet<string> keys = [.. candidate.Placement.Units.Select(u => u.Key)];
            QuantizationPlacement placement = tried.Everything.Only(u => keys.Contains(u.Key));
            return judge.Look(tried.Build(placement, numbers with { Ranges = RangeSelection.By(RangeSelection.Default, tried), Dynamic = candidate.Dynamic }, out _), cancellation);
        }
    }

    /// <summary>Numbers with those repairs of the integers that help.</summary>
    public QuantizationNumbers OfWeights(CalibratedModel model, PlacementCandidate candidate, QuantizationNumbers numbers, IProgress<double>? progress, CancellationToken cancellation)
    {
        string[] open = [.. RepairNames.All.Where(r => !ModelRepairs.Has(r) && settings.Repairs.Contains(r))];
        if (open.Length == 0 || numbers.Format.AsymmetricWeights) // scale · integer, without a zero point, is all they know
            return numbers;
        List<string> kept = [];
        QuantizationNumbers best = numbers;
        Verdict reached = Of(numbers);
        for (int i = 0; i < open.Length; i++)
        {
            string[] together = [.. kept, open[i]];
            QuantizationNumbers tried = WeightRepairs.Apply(together, model, candidate.Placement, numbers, RepairSamples(calibrating), settings.Threads, new Part(progress, i, open.Length), cancellation);
            Verdict verdict = Of(tried);
            bool helps = VerdictOrder.IsBetter(verdict, reached);
            trials.Add(new(open[i], reached.Sqnr, verdict.Sqnr, reached.Metric?.Value, verdict.Metric?.Value, helps));
            if (helps)
                (kept, best, reached) = ([.. together], tried, verdict);
        }
        return best;

        Verdict Of(QuantizationNumbers tried) => judge.Look(model.Build(candidate.Placement, tried with { Dynamic = candidate.Dynamic }, out _), cancellation);
    }

    /// <summary>Numbers with the repairs that were kept, for another placement than the one they were found for: it may hold layers that one does not.</summary>
    public QuantizationNumbers OfWeightsAgain(CalibratedModel model, PlacementCandidate candidate, QuantizationNumbers numbers, CancellationToken cancellation)
    {
        string[] kept = [.. Kept.Where(r => !ModelRepairs.Has(r))];
        return kept.Length == 0 ? numbers : WeightRepairs.Apply(kept, model, candidate.Placement, numbers, RepairSamples(calibrating), settings.Threads, null, cancellation);
    }

    /// <summary>Samples that repairs of the float model learn from.</summary>
    public static IDataSet TrialSamplesOf(IDataSet calibrating) => calibrating.Take(TrialSamples);

    /// <summary>Samples that inputs of layers are drawn from.</summary>
    public static IDataSet RepairSamples(IDataSet calibrating) => calibrating.Take(32);

    private sealed class Part(IProgress<double>? progress, int index, int count) : IProgress<double>
    {
        public void Report(double value) => progress?.Report((index + value) / count);
    }
}
