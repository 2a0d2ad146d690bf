using System.CommandLine;
using System.Globalization;

namespace Tersor.Cli.Parsing;

/// <summary>Numbers of bytes: <c>3MB</c>, <c>250kB</c>, <c>1000000</c>.</summary>
internal static class SizeOption
{
    private static readonly (string Suffix, double Bytes)[] Units = [("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("B", 1), ("", 1)];

    /// <summary>Makes an option; no value means no limit.</summary>
    public static Option<long?> Create(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "size",
        CustomParser = result =>
        {
            long? bytes = Parse(result.Tokens[0].Value);
            if (bytes is null)
                result.AddError($"{name} '{result.Tokens[0].Value}' is not understood; expected a size such as 3MB, 250kB or 1000000.");
            return bytes;
        },
    };

    /// <summary>The number of bytes; null when the text is none.</summary>
    public static long? Parse(string text)
    {
        (string suffix, double unit) = Units.First(u => text.EndsWith(u.Suffix, StringComparison.OrdinalIgnoreCase));
        return double.TryParse(text[..^suffix.Length], NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && number * unit is >= 1 and < 1e18 ? (long)(number * unit) : null;
    }
}
