using System.CommandLine;
using Tersor.Compression.Quantization.Ranges;
using Tersor.Pipeline.Quantization;

namespace Tersor.Cli.Parsing;

/// <summary><c>--ranges</c>: how activation ranges are chosen.</summary>
internal static class RangeOption
{
    private const string Expected = "auto, min-max, moving-average, percentile, percentile:99.99, entropy or mse";

    /// <summary>Makes the option; no value means that the best is measured for each activation.</summary>
    public static Option<RangeEstimator?> Create() => new("--ranges")
    {
        Description = $"How activation ranges are chosen: {Expected} (least mean squared error); auto, unless said otherwise, takes for each activation the one that leaves the least error at the outputs, measured.",
        HelpName = "how",
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            RangeEstimator? parsed = RangeWords.Parse(text);
            if (parsed is null && text != "auto")
                result.AddError($"--ranges '{text}' is not understood; expected {Expected}.");
            return parsed;
        },
    };
}
