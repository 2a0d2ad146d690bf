using System.CommandLine;
using System.Globalization;

namespace Tersor.Cli.Parsing;

/// <summary>Lengths of time: <c>90s</c>, <c>10m</c>, <c>2h</c>.</summary>
internal static class TimeOption
{
    private static readonly (string Suffix, double Seconds)[] Units = [("ms", 1e-3), ("s", 1), ("m", 60), ("h", 3600)];

    /// <summary>Makes an option; no value means no limit.</summary>
    public static Option<TimeSpan?> Create(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "time",
        CustomParser = result =>
        {
            TimeSpan? time = Parse(result.Tokens[0].Value);
            if (time is null)
                result.AddError($"{name} '{result.Tokens[0].Value}' is not understood; expected a time such as 90s, 10m or 2h.");
            return time;
        },
    };

    /// <summary>The length of time; null when the text is none: not a positive number with a unit, or longer than a year.</summary>
    public static TimeSpan? Parse(string text)
    {
        (string suffix, double unit) = Units.FirstOrDefault(u => text.EndsWith(u.Suffix, StringComparison.OrdinalIgnoreCase));
        return suffix is not null && double.TryParse(text[..^suffix.Length], NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && number * unit is >= 1e-3 and <= 365 * 86400.0
            ? TimeSpan.FromSeconds(number * unit) : null;
    }
}
