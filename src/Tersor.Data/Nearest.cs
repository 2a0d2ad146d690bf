namespace Tersor.Data;

/// <summary>Finds what somebody may have meant.</summary>
internal static class Nearest
{
    /// <summary>E.g. <c> Did you mean 'height'?</c>, or nothing when no candidate is close.</summary>
    public static string Hint(string found, IEnumerable<string> candidates)
    {
        (string name, int distance) = candidates.Select(c => (c, EditDistance.Between<char>(found.ToUpperInvariant(), c.ToUpperInvariant())))
            .DefaultIfEmpty(("", int.MaxValue)).MinBy(p => p.Item2);
        return distance <= (found.Length < 3 ? 1 : Math.Max(2, found.Length / 3)) ? $" Did you mean '{name}'?" : "";
    }
}
