using Tersor.Data.Metrics;
using Tersor.Onnx;
using static Tersor.Data.Tests.Metrics.MetricTesting;

namespace Tersor.Data.Tests.Metrics;

public sealed class BinaryMetricTests
{
    [Theory]
    [InlineData(1000)] // hardly any tie
    [InlineData(6)]    // mostly ties
    [InlineData(1)]    // nothing but ties
    public void Auc_equals_the_share_of_ordered_pairs(int levels)
    {
        Random random = new(20260103);
        (float Score, long Label)[] scores = [.. Enumerable.Range(0, 200).Select(_ =>
        {
            long label = random.Next(2);
            return (random.Next(levels) + label * levels / 4, label);
        })];
        double wins = 0, pairs = 0;
        foreach ((float positive, _) in scores.Where(s => s.Label == 1))
        {
            foreach ((float negative, _) in scores.Where(s => s.Label == 0))
            {
                wins += positive > negative ? 1 : positive == negative ? 0.5 : 0;
                pairs++;
            }
        }
        Assert.Equal(wins / pairs, Measure(Metric("auc"), scores.Select(s => Seen(Tensor.Create([1, 1], [s.Score]), Tensor.Vector(s.Label)))), 12);
    }

    [Fact]
    public void One_class_alone_has_no_auc() => Assert.True(double.IsNaN(Measure(Metric("auc"), Seen(Tensor.Vector(0.5f), Tensor.Vector(1L)))));

    [Fact]
    public void A_score_at_the_threshold_means_class_1()
    {
        Observation[] observations = [.. new[] { (0.3f, 0L), (0.3f, 1L), (0.5f, 1L), (0.5f, 0L), (0.9f, 1L) }.Select(s => Seen(Tensor.Create([1, 2], [1 - s.Item1, s.Item1]), Tensor.Vector(s.Item2)))];
        Assert.Equal(3 / 5.0, Measure(Metric("threshold-accuracy"), observations), 12);
        Assert.Equal(2 / 5.0, Measure(Metric("threshold-accuracy", ("threshold", "0.51"), ("element", "0")), observations), 12);
    }

    [Fact]
    public void A_label_other_than_0_and_1_is_refused() =>
        Assert.Contains("expected 0 or 1", Assert.Throws<DataException>(() => Metric("auc").Add(Seen(Tensor.Vector(0.5f), Tensor.Vector(2L)))).Message, StringComparison.Ordinal);

}
