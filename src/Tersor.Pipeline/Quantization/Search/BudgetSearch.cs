using Tersor.Compression.Quantization.Placement;
using Tersor.Pipeline.Judging;

namespace Tersor.Pipeline.Quantization;

/// <summary>Tries placements that spare the layers which cost most accuracy: under error budgets of ever smaller shares of the fastest one's error, as long as they are not much slower than one that is good enough.</summary>
/// <param name="first">The fastest placement.</param>
/// <param name="ranking">Layers with the error each causes.</param>
/// <param name="builder">Builds and judges.</param>
/// <param name="time">Bounds it.</param>
internal sealed class BudgetSearch(Trial first, IReadOnlyList<RankedLayer> ranking, TrialBuilder builder, TimeLimit time)
{
    /// <summary>Shares of the fastest placement's error that the budgets tried allow.</summary>
    private static readonly double[] Shares = [0.7, 0.45, 0.3, 0.2, 0.1, 0.05, 0.02];

    /// <summary>Eagerness at which every layer would be kept in 8 bits were it not for its error.</summary>
    private const double MostEager = 4;

    /// <summary>Errors beyond this are all alike: the outputs have nothing in common with what they should be.</summary>
    private const double Unlike = 1e6;

    /// <summary>The placements, judged.</summary>
    public IReadOnlyList<Trial> Run(IProgress<JobProgress>? progress, CancellationToken cancellation)
    {
        List<Trial> trials = [];
        StaticForm form = first.Static!;
        PlacementCandidate fastest = form.Candidate;
        double whole = ranking.Sum(r => Math.Min(r.Noise, Unlike));
        if (!(whole > 0))
            return trials;
        // The costs that gave the fastest placement, the same preference for 8 bits included.
        IReadOnlyList<PlacementProblem> problems = form.Calibrated.Problems(fastest.Times, Math.Min(fastest.Eagerness, MostEager)), fair = form.Calibrated.Problems(fastest.Times);
        Dictionary<string, double> noiseOf = ranking.SelectMany(r => r.Units, (r, unit) => (unit.Key, r.Noise)).ToDictionary(p => p.Key, p => p.Noise);
        HashSet<string> seen = [fastest.Signature];
        double? good = first.Verdict.Fits ? Cost(fastest) : null;
        for (int i = 0; i < Shares.Length && !time.IsOver; i++)
        {
            progress?.Report(new("choosing", (double)i / Shares.Length));
            IReadOnlySet<string> chosen = BudgetProgram.Solve(problems, ranking, Shares[i] * whole);
            QuantizationPlacement placement = fastest.Placement.Only(u => chosen.Contains(u.Key), u => $"alone it leaves {OutputNoise.Decibel(noiseOf.GetValueOrDefault(u.Key)):F1} dB");
            HashSet<string> dynamic = fastest.Dynamic.Count > 0 ? PlacementSearch.Dynamic(placement) : [];
            PlacementCandidate candidate = new($"{Shares[i]:0.##} of the error", placement, dynamic, fastest.Times, fastest.Eagerness);
            if (placement.Units.Count == 0 || !seen.Add(candidate.Signature))
                continue;
            if (good is { } cheapest && Cost(candidate) > StaticSearch.Front * cheapest)
                break;
            Trial trial = builder.Build(form with { Candidate = candidate }, cancellation);
            trials.Add(trial);
            if (good is null && trial.Verdict.Fits)
                good = Cost(candidate);
        }
        return trials;

        double Cost(PlacementCandidate candidate)
        {
            HashSet<string> keys = [.. candidate.Placement.Units.Select(u => u.Key)];
            return fair.Sum(p => p.Cost(p.Units.Where(u => keys.Contains(u.Key)).ToHashSet()));
        }
    }
}
