namespace Tersor.Pipeline.Quantization;

/// <summary>Finds how much of what could be compressed keeps within the budget.</summary>
internal static class LargestFitting
{
    /// <summary>Parts whose error alone is measured; of more, the rest is left as it is.</summary>
    private const int Measured = 64;

    /// <summary>The trial with the most parts compressed that keeps within the budget: those first that cause the least error alone.</summary>
    /// <param name="full">With every part compressed.</param>
    /// <param name="parts">What can be left as it is, by key, the largest first.</param>
    /// <param name="build">Builds and judges the trial that leaves the given parts as they are.</param>
    /// <param name="errorOf">Error at the outputs of the model that leaves the given parts as they are.</param>
    /// <param name="time">Bounds it.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>The full trial where that keeps within the budget, or where nothing helps.</returns>
    public static Trial Find(Trial full, IReadOnlyList<string> parts, Func<IReadOnlySet<string>, Trial> build, Func<IReadOnlySet<string>, double> errorOf, TimeLimit time, CancellationToken cancellation)
    {
        if (full.Verdict.Fits || parts.Count == 0 || time.IsOver)
            return full;
        HashSet<string> all = [.. parts];
        Trial best = build(all);
        if (!best.Verdict.Fits)
            return full; // something else breaks the budget
        Dictionary<string, double> errors = [];
        foreach (string part in parts.Take(Measured).TakeWhile(_ => !time.IsOver))
        {
            cancellation.ThrowIfCancellationRequested();
            errors[part] = errorOf(all.Where(p => p != part).ToHashSet());
        }
        string[] ranked = [.. errors.OrderBy(e => e.Value).Select(e => e.Key)];
        int most = ranked.Length;
        for (int least = 0; least < most && !time.IsOver;)
        {
            int middle = (least + most + 1) / 2;
            if (middle == parts.Count)
                middle--; // the full one does not fit
            if (middle <= least)
                break;
            Trial trial = build(all.Except(ranked[..middle]).ToHashSet());
            if (trial.Verdict.Fits)
                (least, best) = (middle, trial);
            else
                most = middle - 1;
        }
        return best;
    }
}
