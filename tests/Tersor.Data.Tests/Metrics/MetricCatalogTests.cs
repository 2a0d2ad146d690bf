using Tersor.Data.Metrics;
using static Tersor.Data.Tests.Metrics.MetricTesting;

namespace Tersor.Data.Tests.Metrics;

public sealed class MetricCatalogTests
{
    [Fact]
    public void Every_metric_is_made_with_its_defaults_and_says_truly_whether_it_needs_a_reference()
    {
        using TemporaryFolder folder = new();
        string keys = folder.Write("keys.txt", "a\nb\n");
        foreach (MetricEntry entry in MetricCatalog.Entries)
        {
            IMetric metric = entry.Parameters.Any(p => p.Name == "keys") ? Metric(entry.Name, ("keys", keys)) : Metric(entry.Name);
            Assert.Equal(entry.NeedsReference, metric.NeedsReference);
            Assert.True(double.IsNaN(metric.Value));
        }
    }

    [Theory]
    [InlineData("top-q", "k", "1", "Did you mean 'top-")]
    [InlineData("top-k", "kk", "1", "Did you mean 'k'?")]
    [InlineData("top-k", "k", "0", "expected a whole number, 1..")]
    [InlineData("auc", "element", "x", "expected a whole number")]
    [InlineData("psnr", "peak", "0", "above 0")]
    [InlineData("cross-entropy", "from", "scores", "logits or probabilities")]
    [InlineData("ctc-accuracy", "fold", "true", "'keys' of metric 'ctc-accuracy' is missing")]
    [InlineData("ctc-accuracy", "keys", "nowhere.txt", "nowhere.txt")]
    public void A_wrong_name_or_value_is_refused_with_what_was_expected(string name, string key, string value, string message) =>
        Assert.Contains(message, Assert.Throws<DataException>(() => Metric(name, (key, value))).Message, StringComparison.Ordinal);
}
