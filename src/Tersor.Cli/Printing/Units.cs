using System.Globalization;

namespace Tersor.Cli.Printing;

/// <summary>Numbers as people read them. Invariant: a point for decimals, a comma for thousands.</summary>
internal static class Units
{
    /// <summary>1234567 → 1,234,567.</summary>
    public static string Count(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>1 sample; 1234567 → 1,234,567 samples.</summary>
    public static string Count(long value, string noun) => $"{Count(value)} {Plural.Noun(value, noun)}";

    /// <summary>A count, or a dash where it is unknown.</summary>
    public static string Count(long? value) => value is { } known ? Count(known) : "-";

    /// <summary>10822323 → 10.8 MB. A megabyte is 10⁶ bytes.</summary>
    public static string Bytes(long value) => value switch
    {
        < 1000 => $"{value} B",
        < 1_000_000 => Scaled(value / 1e3, "kB"),
        < 1_000_000_000 => Scaled(value / 1e6, "MB"),
        _ => Scaled(value / 1e9, "GB"),
    };

    /// <summary>Two sizes and how they compare: 1.81 MB → 387 kB: 4.68x smaller.</summary>
    public static string Change(long before, long after) => $"{Bytes(before)} → {Bytes(after)}{(before == after || before == 0 || after == 0 ? "" : after < before ? $": {Times((double)before / after)} smaller" : $": {Times((double)after / before)} larger")}";

    /// <summary>4.68x, but what rounds to nothing is said in percent.</summary>
    private static string Times(double ratio) => ratio >= 1.1 ? string.Create(CultureInfo.InvariantCulture, $"{ratio:0.00}x") : string.Create(CultureInfo.InvariantCulture, $"{100 * (ratio - 1):0.##} %");

    /// <summary>Multiply-accumulates: 1234567 → 1.23 M.</summary>
    public static string Macs(long? value) => value switch
    {
        null => "-",
        < 1000 => value.Value.ToString(CultureInfo.InvariantCulture),
        < 1_000_000 => Scaled(value.Value / 1e3, "k"),
        < 1_000_000_000 => Scaled(value.Value / 1e6, "M"),
        _ => Scaled(value.Value / 1e9, "G"),
    };

    /// <summary>Things a second: whole from ten on, else two digits that say something.</summary>
    public static string Rate(double value) => value.ToString(value >= 10 ? "N0" : value >= 1 ? "0.0" : "0.00", CultureInfo.InvariantCulture);

    /// <summary>A length of time: 45 s, 12 min, 3.5 h.</summary>
    public static string Time(TimeSpan value) => value switch
    {
        { TotalSeconds: < 90 } => $"{Math.Ceiling(value.TotalSeconds):0} s",
        { TotalMinutes: < 90 } => $"{Math.Round(value.TotalMinutes):0} min",
        _ => string.Create(CultureInfo.InvariantCulture, $"{value.TotalHours:0.0} h"),
    };

    /// <summary>Three significant digits.</summary>
    private static string Scaled(double value, string unit) => $"{value.ToString(value < 10 ? "0.00" : value < 100 ? "0.0" : "0", CultureInfo.InvariantCulture)} {unit}";
}
