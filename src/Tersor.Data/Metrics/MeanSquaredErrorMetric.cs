using Tersor.Onnx;

namespace Tersor.Data.Metrics;

/// <summary>Mean squared difference over all elements of all samples, or, with a peak, the peak signal to noise ratio in dB.</summary>
/// <param name="output">The output compared; null: all.</param>
/// <param name="label">The label it is compared with; null: the reference model's output.</param>
/// <param name="peak">The largest possible value; null: no ratio, the mean squared error itself.</param>
internal sealed class MeanSquaredErrorMetric(string? output, string? label, double? peak) : IMetric
{
    private double sum;
    private long total;

    public string Name => peak is null ? "mse" : "psnr";

    public bool HigherIsBetter => peak is not null;

    public bool NeedsReference => label is null;

    /// <summary>Infinite as a ratio when there is no difference.</summary>
    public double Value => total == 0 ? double.NaN : peak is { } p ? 10 * Math.Log10(p * p / (sum / total)) : sum / total;

    public void Add(Observation observation)
    {
        foreach ((double[] actual, double[] expected) in label is null ? Observations.Pairs(observation, output) : Labelled(observation, label))
        {
            for (int i = 0; i < actual.Length; i++)
                sum += (actual[i] - expected[i]) * (actual[i] - expected[i]);
            total += actual.Length;
        }
    }

    private (double[], double[])[] Labelled(Observation observation, string name)
    {
        Tensor expected = Observations.Label(observation, name);
        double[] actual = [.. Observations.Select(observation.Outputs, output).SelectMany(t => t.ToDoubles())];
        return expected.Length == actual.Length
            ? [(actual, expected.ToDoubles())]
            : throw new DataException($"Sample '{observation.Sample.Name}': the output has {Plural.Of(actual.Length, "element")}, label '{name}' {expected.Length}.");
    }
}
