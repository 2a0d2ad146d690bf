using System.Globalization;
using System.Text.RegularExpressions;

namespace Tersor.Cli.Printing;

/// <summary>Reasons that differ in numbers only, as one: "64 to 960 elements, fewer than 1,024". The page of a report does the same.</summary>
internal static partial class CommonReason
{
    /// <summary>Items by their reason, the most frequent first.</summary>
    public static IReadOnlyList<(string Reason, IReadOnlyList<T> Items)> Group<T>(IEnumerable<T> items, Func<T, string> reason) =>
    [
        .. items.GroupBy(i => Quantity().Replace(reason(i), "\0")).OrderByDescending(g => g.Count()).ThenBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => (Of([.. g.Select(reason)]), (IReadOnlyList<T>)[.. g])),
    ];

    /// <summary>One sentence for several that are alike but for their numbers, with the least and the greatest of each.</summary>
    private static string Of(IReadOnlyList<string> reasons)
    {
        string[][] numbers = [.. reasons.Select(r => Quantity().Matches(r).Select(m => m.Value).ToArray())];
        int place = 0;
        return Quantity().Replace(reasons[0], first =>
        {
            string[] ordered = [.. numbers.Select(n => n[place]).OrderBy(n => double.Parse(n, NumberStyles.Float | NumberStyles.AllowThousands, CultureInfo.InvariantCulture))];
            place++;
            return ordered[0] == ordered[^1] ? Shown(first.Value) : $"{Shown(ordered[0])} to {Shown(ordered[^1])}";
        });
    }

    private static string Shown(string number) => long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out long whole) ? Units.Count(whole) : number;

    /// <summary>A number that stands by itself.</summary>
    [GeneratedRegex(@"(?<=^|\s)[-+]?\d[\d,]*(?:\.\d+)?(?=$|[\s,;.)%])")]
    private static partial Regex Quantity();
}
