using System.CommandLine;
using System.Globalization;
using Tersor.Compression.Quantization.Ranges;
using Tersor.Pipeline.Quantization;

namespace Tersor.Cli.Parsing;

/// <summary><c>--ranges</c>: how activation ranges are chosen.</summary>
internal static class RangeOption
{
    public static Option<RangeEstimator> Create() => new("--ranges")
    {
        Description = $"How activation ranges are chosen: min-max, moving-average, percentile, percentile:99.99, entropy, mse (least mean squared error); {Name(new QuantizeSettings().Ranges)} unless said otherwise.",
        HelpName = "how",
        CustomParser = result =>
        {
            RangeEstimator? parsed = Parse(result.Tokens[0].Value);
            if (parsed is null)
                result.AddError($"--ranges '{result.Tokens[0].Value}' is not understood; expected min-max, moving-average, percentile, percentile:99.99, entropy or mse.");
            return parsed ?? new QuantizeSettings().Ranges;
        },
    };

    /// <summary>The word for an estimator.</summary>
    public static string Name(RangeEstimator estimator) => estimator switch
    {
        RangeEstimator.MinMax => "min-max",
        RangeEstimator.MovingAverage => "moving-average",
        RangeEstimator.Entropy => "entropy",
        RangeEstimator.Percentile percentile => $"percentile:{percentile.Percent.ToString(CultureInfo.InvariantCulture)}",
        _ => "mse",
    };

    private static RangeEstimator? Parse(string text) => text.Split(':') switch
    {
        ["min-max"] => new RangeEstimator.MinMax(),
        ["moving-average"] => new RangeEstimator.MovingAverage(),
        ["entropy"] => new RangeEstimator.Entropy(),
        ["mse"] => new RangeEstimator.MeanSquaredError(),
        ["percentile"] => new RangeEstimator.Percentile(),
        ["percentile", var percent] when double.TryParse(percent, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value is > 50 and <= 100 => new RangeEstimator.Percentile(value),
        _ => null,
    };
}
