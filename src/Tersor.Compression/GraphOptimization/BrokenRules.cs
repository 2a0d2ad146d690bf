namespace Tersor.Compression.GraphOptimization;

/// <summary>What arithmetic and look-ups throw when a file says of a node what its operator does not allow: an axis beyond the rank, two numbers where one is expected, sizes whose product overflows.</summary>
internal static class BrokenRules
{
    /// <summary>What is said of a node that is left alone for it.</summary>
    public const string Reason = "it breaks the rules of its operator";

    /// <summary>Whether a node that breaks its operator's rules may be what is behind the exception.</summary>
    public static bool MayExplain(Exception e) => e is ArithmeticException or ArgumentException or IndexOutOfRangeException or InvalidOperationException or NullReferenceException;

    /// <summary>What a rule says of a node; <paramref name="broken"/> where it breaks them.</summary>
    public static T Guard<T>(Func<T> rule, T broken)
    {
        try
        {
            return rule();
        }
        catch (Exception e) when (MayExplain(e))
        {
            return broken;
        }
    }
}
