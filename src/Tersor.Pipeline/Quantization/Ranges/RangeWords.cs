using System.Globalization;
using Tersor.Compression.Quantization.Ranges;

namespace Tersor.Pipeline.Quantization;

/// <summary>Estimators in the words of the command line, plan files and reports.</summary>
public static class RangeWords
{
    /// <summary>The word for an estimator.</summary>
    public static string Of(RangeEstimator estimator) => estimator switch
    {
        RangeEstimator.MinMax => "min-max",
        RangeEstimator.MovingAverage => "moving-average",
        RangeEstimator.Entropy => "entropy",
        RangeEstimator.Percentile percentile => $"percentile:{percentile.Percent.ToString(CultureInfo.InvariantCulture)}",
        _ => "mse",
    };

    /// <summary>The estimator a word stands for; null when it is none.</summary>
    public static RangeEstimator? Parse(string text) => text.Split(':') switch
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
