using Tersor.Data.Metrics;
using Tersor.Onnx;
using static Tersor.Data.Tests.Metrics.MetricTesting;

namespace Tersor.Data.Tests.Metrics;

public sealed class FidelityMetricTests
{
    private readonly (float[] Actual, float[] Expected)[] pairs;
    private readonly Observation[] observations;

    public FidelityMetricTests()
    {
        Random random = new(20260102);
        pairs = [.. Enumerable.Range(1, 20).Select(n =>
        {
            float[] expected = Draw(random, n, 2), noise = Draw(random, n, 0.1);
            return (expected.Zip(noise, (e, d) => e + d).ToArray(), expected);
        })];
        observations = [.. pairs.Select(p => Seen(Tensor.Create([1, p.Actual.Length], p.Actual), reference: Tensor.Create([1, p.Expected.Length], p.Expected)))];
    }

    [Fact]
    public void Differences_equal_the_formulas_over_all_elements()
    {
        double[] errors = [.. pairs.SelectMany(p => p.Actual.Zip(p.Expected, (a, e) => Math.Pow((double)a - e, 2)))];
        double signal = pairs.Sum(p => p.Expected.Sum(e => Math.Pow(e, 2)));
        Assert.Equal(errors.Average(), Measure(Metric("mse"), observations), 12);
        Assert.Equal(20 * Math.Log10(3 / Math.Sqrt(errors.Average())), Measure(Metric("psnr", ("peak", "3")), observations), 9);
        Assert.Equal(10 * Math.Log10(signal / errors.Sum()), Measure(Metric("sqnr"), observations), 9);
        Assert.InRange(10 * Math.Log10(signal / errors.Sum()), 20, 40);
    }

    [Theory]
    [InlineData("sqnr")]
    [InlineData("mse")]
    [InlineData("cosine")]
    public void Strings_have_no_distance(string metric)
    {
        Tensor text = Tensor.FromStrings([2], ["a", "b"]);
        Assert.Equal(double.NaN, Measure(Metric(metric), Seen(text, reference: text)));
        DataException named = Assert.Throws<DataException>(() => Measure(Metric(metric, ("output", "out")), Seen(text, reference: text)));
        Assert.Contains("'out'", named.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Cosine_is_the_mean_over_samples()
    {
        double expected = pairs.Average(p =>
        {
            double product = p.Actual.Zip(p.Expected, (a, e) => (double)a * e).Sum();
            return product / Math.Sqrt(p.Actual.Sum(a => (double)a * a) * p.Expected.Sum(e => (double)e * e));
        });
        Assert.Equal(expected, Measure(Metric("cosine"), observations), 12);
        Assert.Equal(0, Measure(Metric("cosine"), Seen(Tensor.Vector(0f, 0f), reference: Tensor.Vector(0f, 1f))));
        Assert.Equal(1, Measure(Metric("cosine"), Seen(Tensor.Vector(0f, 0f), reference: Tensor.Vector(0f, 0f))));
        Assert.Equal(-1, Measure(Metric("cosine"), Seen(Tensor.Vector(0f, 2f), reference: Tensor.Vector(0f, -1f))), 12);
    }

    [Fact]
    public void Equal_outputs_have_no_noise()
    {
        Observation same = Seen(Tensor.Vector(1f, 2f), reference: Tensor.Vector(1f, 2f));
        Assert.Equal(0, Measure(Metric("mse"), same));
        Assert.Equal(double.PositiveInfinity, Measure(Metric("sqnr"), same));
        Assert.Equal(double.PositiveInfinity, Measure(Metric("psnr"), same));
    }

    [Fact]
    public void Squared_error_can_be_taken_against_a_label()
    {
        IMetric metric = Metric("mse", ("against", "target"));
        Assert.False(metric.NeedsReference);
        Assert.Equal(2.5, Measure(metric, Seen(Tensor.Vector(1f, 2f), Tensor.Vector(2f, 4f), labelName: "target")));
    }
}
