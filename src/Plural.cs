namespace Tersor;

/// <summary>Counts in sentences. Compiled into every project, since all of them say how many there are of something.</summary>
internal static class Plural
{
    /// <summary>1 sample, 2 samples.</summary>
    /// <param name="count">How many.</param>
    /// <param name="one">What one is called.</param>
    /// <param name="many">What several are called; null: the same with an s.</param>
    public static string Of(long count, string one, string? many = null) => $"{count} {Noun(count, one, many)}";

    /// <summary>The word alone, for counts that are written in another way, and for verbs: sample or samples, has or have.</summary>
    public static string Noun(long count, string one, string? many = null) => count == 1 ? one : many ?? $"{one}s";
}
