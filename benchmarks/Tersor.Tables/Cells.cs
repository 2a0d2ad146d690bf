using System.Globalization;
using Tersor.Runtime;

namespace Tersor.Tables;

/// <summary>What stands in the tables' cells.</summary>
internal static class Cells
{
    public static string Row(params IEnumerable<string> cells) => $"| {string.Join(" | ", cells)} |";

    /// <summary>A line of names and the line that makes a table of it.</summary>
    public static string Head(params string[] names) => $"{Row(names)}\n|{string.Concat(names.Select(_ => "---|"))}";

    /// <summary>A share of a whole.</summary>
    public static string Share(long part, long whole) => $"{(double)part / whole:F2}";

    /// <summary>A metric.</summary>
    public static string Number(double value) => double.IsPositiveInfinity(value) ? "equal" : value.ToString("F4", CultureInfo.InvariantCulture);

    /// <summary>A ratio in dB.</summary>
    public static string Decibel(double value) => double.IsPositiveInfinity(value) ? "equal" : value.ToString("F1", CultureInfo.InvariantCulture);

    /// <summary>How many times as fast as the first model, with the interval of 95 % confidence.</summary>
    public static string SpeedUp(BenchmarkResult result) => $"{result.SpeedUp.Median:F2} ({result.SpeedUp.Low:F2}–{result.SpeedUp.High:F2})";
}
