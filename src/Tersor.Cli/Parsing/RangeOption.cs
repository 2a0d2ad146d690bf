using System.CommandLine;
using Tersor.Compression.Quantization.Ranges;
using Tersor.Pipeline.Quantization;

namespace Tersor.Cli.Parsing;

/// <summary><c>--ranges</c>: how activation ranges are chosen.</summary>
internal static class RangeOption
{
    private const string Auto = "auto", Expected = $"{Auto}, min-max, moving-average, percentile, percentile:99.99, entropy or mse";

    /// <summary>Makes the option. Its value is a word: a parser of its own may not give null, which <c>auto</c> stands for.</summary>
    public static Option<string> Create() => new("--ranges")
    {
        Description = $"How activation ranges are chosen: {Expected} (least mean squared error); auto, unless said otherwise, takes for each activation the one that leaves the least error at the outputs, measured.",
        HelpName = "how",
        Validators =
        {
            result =>
            {
                if (result.Tokens is [{ Value: var text }] && text != Auto && RangeWords.Parse(text) is null)
                    result.AddError($"--ranges '{text}' is not understood; expected {Expected}.");
            },
        },
    };

    /// <summary>The estimator a word stands for; null, that the best is measured for each activation.</summary>
    public static RangeEstimator? Read(string? text) => text is null ? null : RangeWords.Parse(text);
}
