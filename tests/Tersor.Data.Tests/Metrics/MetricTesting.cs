using Tersor.Data.Metrics;
using Tersor.Onnx;

namespace Tersor.Data.Tests.Metrics;

/// <summary>Observations and metrics in a few words.</summary>
internal static class MetricTesting
{
    public static IMetric Metric(string name, params (string Key, string Value)[] parameters) =>
        MetricCatalog.Create(new(name, parameters.ToDictionary(p => p.Key, p => p.Value)));

    public static Observation Seen(Tensor output, Tensor? label = null, Tensor? reference = null, string labelName = "label") => new(
        new("s", [], label is null ? new Dictionary<string, Tensor>() : new Dictionary<string, Tensor> { [labelName] = label }),
        [new Dictionary<string, Tensor> { ["out"] = output }],
        reference is null ? null : [new Dictionary<string, Tensor> { ["out"] = reference }]);

    public static double Measure(IMetric metric, params IEnumerable<Observation> observations)
    {
        Assert.True(double.IsNaN(metric.Value));
        foreach (Observation observation in observations)
            metric.Add(observation);
        return metric.Value;
    }

    public static float[] Draw(Random random, int count, double scale = 1) => [.. Enumerable.Range(0, count).Select(_ => (float)((random.NextDouble() - 0.5) * scale))];
}
