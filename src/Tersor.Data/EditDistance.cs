namespace Tersor.Data;

/// <summary>The least number of insertions, deletions and substitutions that turn one sequence into another.</summary>
/// <remarks>Levenshtein 1966; dynamic programming over one row, O(n·m) time.</remarks>
internal static class EditDistance
{
    public static int Between<T>(ReadOnlySpan<T> from, ReadOnlySpan<T> to) where T : IEquatable<T>
    {
        int[] row = new int[to.Length + 1];
        for (int j = 0; j < row.Length; j++)
            row[j] = j;
        for (int i = 1; i <= from.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j < row.Length; j++)
            {
                int substitution = diagonal + (from[i - 1].Equals(to[j - 1]) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(substitution, Math.Min(row[j], row[j - 1]) + 1);
            }
        }
        return row[^1];
    }
}
