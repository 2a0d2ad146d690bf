using Tersor.Data.Descriptions;
using Tersor.Data.Metrics;
using Tersor.Onnx;
using static Tersor.Data.Tests.Metrics.MetricTesting;

namespace Tersor.Data.Tests.Metrics;

public sealed class ClassificationMetricTests
{
    private const int Classes = 7;

    private readonly (float[] Scores, long Label)[] rows;
    private readonly Observation[] observations;

    public ClassificationMetricTests()
    {
        Random random = new(20260101);
        // Scores in steps of 0.5: ties are common.
        rows = [.. Enumerable.Range(0, 300).Select(_ => (Enumerable.Range(0, Classes).Select(_ => random.Next(8) * 0.5f).ToArray(), (long)random.Next(Classes)))];
        observations = [.. rows.Select(r => Seen(Tensor.Create([1, Classes], r.Scores), Tensor.Vector(r.Label)))];
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(7)]
    public void Top_k_equals_sorting_the_scores(int k)
    {
        double expected = rows.Average(r => r.Scores.Select((s, i) => (s, i)).OrderByDescending(p => p.s).ThenBy(p => p.i).Take(k).Any(p => p.i == r.Label) ? 1.0 : 0);
        Assert.Equal(expected, Measure(Metric("top-k", ("k", k.ToString())), observations), 12);
    }

    [Fact]
    public void Top_1_is_top_k_of_1() => Assert.Equal(Measure(Metric("top-k", ("k", "1")), observations), Measure(Metric("top-1"), observations));

    [Fact]
    public void Cross_entropy_equals_the_formula_from_logits_and_from_probabilities()
    {
        double[][] probabilities = [.. rows.Select(r => r.Scores.Select(s => Math.Exp(s) / r.Scores.Sum(t => Math.Exp(t))).ToArray())];
        double expected = -rows.Zip(probabilities).Average(p => Math.Log(p.Second[p.First.Label]));
        Assert.Equal(expected, Measure(Metric("cross-entropy"), observations), 9);
        double measured = Measure(Metric("cross-entropy", ("from", "probabilities")),
            rows.Zip(probabilities, (r, p) => Seen(Tensor.Create([1, Classes], Array.ConvertAll(p, v => (float)v)), Tensor.Vector(r.Label))));
        Assert.Equal(expected, measured, 6);
        Assert.Equal(1000, Measure(Metric("cross-entropy"), Seen(Tensor.Create([1, 2], [1000f, 0]), Tensor.Vector(1L))), 6); // no overflow
    }

    [Fact]
    public void Several_rows_in_one_sample_count_one_by_one()
    {
        Observation all = Seen(Tensor.Create([rows.Length, Classes], rows.SelectMany(r => r.Scores).ToArray()), Tensor.Vector([.. rows.Select(r => r.Label)]));
        Assert.Equal(Measure(Metric("top-1"), observations), Measure(Metric("top-1"), all));
    }

    [Fact]
    public void Agreement_compares_the_highest_scores()
    {
        Observation[] pairs = [.. rows.Zip(rows.Skip(1), (a, b) => Seen(Tensor.Create([1, Classes], a.Scores), reference: Tensor.Create([1, Classes], b.Scores)))];
        double expected = rows.Zip(rows.Skip(1)).Average(p => Array.IndexOf(p.First.Scores, p.First.Scores.Max()) == Array.IndexOf(p.Second.Scores, p.Second.Scores.Max()) ? 1.0 : 0);
        Assert.InRange(expected, 0.05, 0.5);
        Assert.Equal(expected, Measure(Metric("top-1-agreement"), pairs), 12);
    }

    [Fact]
    public void What_does_not_fit_is_said()
    {
        Tensor scores = Tensor.Create([1, 2], [1f, 0]);
        Assert.Contains("no label 'label'", Assert.Throws<DataException>(() => Metric("top-1").Add(Seen(scores))).Message, StringComparison.Ordinal);
        Assert.Contains("class 2", Assert.Throws<DataException>(() => Metric("top-1").Add(Seen(scores, Tensor.Vector(2L)))).Message, StringComparison.Ordinal);
        Assert.Contains("'uot'", Assert.Throws<DataException>(() => Metric("top-1", ("output", "uot")).Add(Seen(scores, Tensor.Vector(0L)))).Message, StringComparison.Ordinal);
        Assert.Contains("reference", Assert.Throws<DataException>(() => Metric("sqnr").Add(Seen(scores))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Labels_are_classes_in_whatever_way_they_are_written()
    {
        Tensor scores = Tensor.Create([1, 3], [0.1f, 0.7f, 0.2f]);
        foreach (Tensor label in new[] { Tensor.Vector(1L), Tensor.Vector(1f), Tensor.Vector(1.0), Tensor.Create([1, 3], new[] { 0f, 1, 0 }), Tensor.Create([3], new[] { 0L, 1, 0 }) })
        {
            Assert.Equal(1, Measure(Metric("top-1"), Seen(scores, label)));
            Assert.Equal(1, Measure(Metric("top-k", ("k", "2")), Seen(scores, label)));
        }
        Assert.Equal(1, Measure(Metric("top-1"), Seen(Tensor.Vector(4L), Tensor.Vector(4f)))); // classes themselves
        foreach (Tensor label in new[] { Tensor.Vector(0.5f), Tensor.Vector(double.NaN), Tensor.Vector(float.PositiveInfinity) })
            Assert.Contains("expected a class index", Assert.Throws<DataException>(() => Metric("top-1").Add(Seen(scores, label))).Message, StringComparison.Ordinal);
        Assert.Contains("label", Assert.Throws<DataException>(() => Metric("top-1").Add(Seen(scores, Tensor.Create([1, 3], new[] { 0.5f, 0.5f, 0 })))).Message, StringComparison.Ordinal);
        IMetric area = Metric("auc");
        area.Add(Seen(Tensor.Vector(0.2f), Tensor.Vector(0f)));
        area.Add(Seen(Tensor.Vector(0.9f), Tensor.Vector(1f)));
        Assert.Equal(1, area.Value);
    }

    [Theory]
    [InlineData(true), InlineData(false)]
    public void Cross_entropy_takes_what_the_model_gives_out(bool softmax)
    {
        Model model = new(17, irVersion: 8);
        Value z = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, 1, 2)), y = softmax ? model.Graph.AddNode("Softmax", [z], ["y"]).Outputs[0]! : model.Graph.AddNode("Neg", [z], ["y"]).Outputs[0]!;
        model.Graph.AddOutput(y);
        OpenedData data = new(new InMemoryDataSet("none", []), [new("cross-entropy", new Dictionary<string, string>()), new("cross-entropy", new Dictionary<string, string> { ["from"] = "logits" })], [], new() { Splits = new Dictionary<string, SplitDescription>() }, ".");
        double[] values = [.. data.For(model).CreateMetrics().Select(m => Measure(m, Seen(Tensor.Create([1, 2], [0.25f, 0.75f]), Tensor.Vector(1L))))];
        Assert.Equal(-Math.Log(Math.Exp(0.75) / (Math.Exp(0.25) + Math.Exp(0.75))), values[1], 6); // whoever says what it is is believed
        Assert.Equal(softmax ? -Math.Log(0.75) : values[1], values[0], 6);
    }
}
