using Tersor.Data;
using Tersor.Data.Metrics;
using Tersor.Onnx;
using Tersor.Pipeline.Judging;
using Tersor.Testing;

namespace Tersor.Pipeline.Tests.Judging;

public sealed class JudgeTests
{
    /// <summary>y = x + shift, beside an output that is a thousand times larger and always exact.</summary>
    private static Model Shifted(float shift, bool softmax = false) => Build.Model([1, 10], (g, x) =>
    {
        Value large = g.Apply("Mul", [x, g.AddInitializer("thousand", Tensor.Scalar(1000f))]);
        large.Type = OnnxType.Of(ElementType.Float32, 1, 10);
        g.AddOutput(large);
        Value y = g.Apply("Add", [x, g.AddInitializer("shift", Tensor.Create([1, 10], [.. Enumerable.Range(0, 10).Select(i => i % 2 == 0 ? shift : -shift)]))]);
        return softmax ? g.Apply("Softmax", [y], ("axis", 1L)) : y;
    });

    private static Verdict Judged(Budget budget, Model changed, int samples = 64, Func<IMetric>? metric = null, bool softmax = false)
    {
        using Judge judge = new(budget, Shifted(0, softmax), new Classes(samples), metric, new());
        return judge.Decide(changed, TestContext.Current.CancellationToken);
    }

    private static IMetric TopOne() => MetricCatalog.Create(new("top-1", new Dictionary<string, string> { ["output"] = "y" }), ".");

    [Fact]
    public void One_output_hides_behind_no_other()
    {
        Verdict verdict = Judged(new(), Shifted(0.5f));
        OutputCloseness small = verdict.Outputs.Single(o => o.Output == "y");
        Assert.Equal(small.Sqnr.Value, verdict.Sqnr);
        Assert.Equal(6.0, verdict.Sqnr, 2.0); // 0.25 of noise over 1 of signal
        Assert.All(verdict.Outputs.Where(o => o.Output != "y"), o => Assert.Equal(double.PositiveInfinity, o.Sqnr.Value));
        Assert.Equal(Fit.Beyond, verdict.Fit);
        Assert.Contains("cosine of 'y'", verdict.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0.02f, Fit.Within), InlineData(0.5f, Fit.Beyond)]
    public void Without_labels_the_mean_cosine_of_every_output_is_the_limit(float shift, Fit fit)
    {
        Verdict verdict = Judged(new(), Shifted(shift));
        Assert.Equal(fit, verdict.Fit);
        Assert.Equal(fit == Fit.Within, verdict.Cosine >= 0.99);
        Assert.True(verdict.Samples <= 32); // so clear a case needs no more
    }

    [Fact]
    public void Where_outputs_are_classes_the_same_best_class_is_a_limit_too()
    {
        Verdict verdict = Judged(new() { MinAgreement = 0.99 }, Shifted(1f, softmax: true), softmax: true);
        Assert.True(verdict.Agreement < 0.9);
        Assert.Equal(Fit.Beyond, verdict.Fit);
        Assert.Null(Judged(new(), Shifted(1f)).Agreement); // a sum may be anything
    }

    /// <summary>Outputs that are answers about x + shift: its best class, as an integer and as a number, which elements are positive, and how many.</summary>
    private static Model Answers(float shift) => Build.Model([1, 10], (g, x) =>
    {
        Value y = g.Apply("Add", [x, g.AddInitializer("shift", Tensor.Create([1, 10], [.. Enumerable.Range(0, 10).Select(i => i % 2 == 0 ? shift : -shift)]))]);
        Value best = g.Apply("ArgMax", [y], ("axis", 1L)), positive = g.Apply("Greater", [y, g.AddInitializer("zero", Tensor.Scalar(0f))]), count = g.Apply("NonZero", [positive]);
        foreach ((Value output, ElementType type) in new[] { (best, ElementType.Int64), (positive, ElementType.Bool), (count, ElementType.Int64) })
        {
            output.Type = new OnnxType.Tensor(type, null);
            g.AddOutput(output);
        }
        return g.Apply("Cast", [best], ("to", (long)ElementType.Float32));
    });

    [Fact]
    public void Outputs_that_are_answers_are_compared_by_whether_they_are_the_same()
    {
        Verdict same = Answered(0), far = Answered(1);
        Assert.Equal(Fit.Within, same.Fit);
        Assert.All(same.Outputs, o => Assert.Equal(1, o.Agreement!.Value));
        Assert.Equal(Fit.Beyond, far.Fit);
        Assert.Contains("top-1 agreement", far.Reason, StringComparison.Ordinal);
        Assert.All(far.Outputs, o => Assert.InRange(o.Agreement!.Value, 0, 0.95));
        Assert.All(same.Outputs.Concat(far.Outputs), o => Assert.DoesNotContain(new[] { o.Cosine.Value, o.Cosine.Low, o.WorstCosine, o.Sqnr.Value, o.Sqnr.Low, o.WorstSqnr, o.Agreement!.Low }, double.IsNaN));

        static Verdict Answered(float shift)
        {
            using Judge judge = new(new(), Answers(0), new Classes(400), null, new());
            return judge.Decide(Answers(shift), TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public void A_model_that_gives_what_is_no_number_is_beyond_any_limit()
    {
        Model broken = Build.Model([1, 10], (g, x) =>
        {
            Value large = g.Apply("Mul", [x, g.AddInitializer("thousand", Tensor.Scalar(1000f))]);
            large.Type = OnnxType.Of(ElementType.Float32, 1, 10);
            g.AddOutput(large);
            // The square root of what is negative, in some samples.
            return g.Apply("Add", [x, g.Apply("Mul", [g.AddInitializer("zero", Tensor.Scalar(0f)), g.Apply("Sqrt", [g.Apply("ReduceMean", [x])])])]);
        });
        Verdict verdict = Judged(new() { MinSqnr = -1000 }, broken);
        Assert.Equal((Fit.Beyond, double.NegativeInfinity), (verdict.Fit, verdict.Sqnr));
    }

    [Fact]
    public void A_limit_on_closeness_holds_beside_labels()
    {
        Assert.Equal(Fit.Beyond, Judged(new() { MaxDrop = 1, MinSqnr = 60 }, Shifted(0.02f), metric: TopOne).Fit);
        Assert.Equal(Fit.Within, Judged(new() { MaxDrop = 1, MinSqnr = 20 }, Shifted(0.02f), metric: TopOne).Fit);
    }

    [Fact]
    public void As_many_samples_are_looked_at_as_the_decision_needs()
    {
        Assert.Equal(64, Judged(new() { MaxDrop = 0.5 }, Shifted(0.02f), samples: 3000, TopOne).Samples);
        Assert.True(Judged(new() { MaxDrop = 0.01 }, Shifted(0.05f), samples: 3000, TopOne).Samples > 64);
    }

    [Fact]
    public void Few_samples_cannot_tell_a_small_drop_and_closeness_decides()
    {
        Verdict close = Judged(new() { MaxDrop = 0.001 }, Shifted(0.01f), samples: 40, TopOne), far = Judged(new() { MaxDrop = 0.001 }, Shifted(0.25f), samples: 40, TopOne);
        Assert.Equal(Fit.Tolerable, close.Fit);
        Assert.True(close.Metric!.Drop.Low <= 0.001 && close.Metric.Drop.High > 0.001);
        Assert.NotEqual(Fit.Within, far.Fit);
        Assert.False(far.Fits && far.Metric!.Drop.Value > 0.001);
    }

    [Fact]
    public void An_interval_of_paired_answers_is_that_of_its_formula()
    {
        // Bonett and Price 2012: of 100 pairs, 7 are lost and 2 won.
        RunningMean differences = new();
        foreach (int i in Enumerable.Range(0, 100))
            differences.Add(i < 7 ? 1 : i < 9 ? -1 : 0);
        Interval interval = differences.OfChanges(0.05, one: 1);
        double p10 = 8.0 / 102, p01 = 3.0 / 102, half = 1.96 * Math.Sqrt((p10 + p01 - (p10 - p01) * (p10 - p01)) / 102);
        Assert.Equal(0.05 - half, interval.Low, 0.003);
        Assert.Equal(0.05 + half, interval.High, 0.003);
        RunningMean none = new();
        foreach (int _ in Enumerable.Range(0, 100))
            none.Add(0);
        Assert.True(none.OfChanges(0, one: 1).High is > 0.02 and < 0.04); // no change in 100 is no proof that there is none in 1000
    }

    /// <summary>Ten random scores; the label is the greatest, but for every fifth sample.</summary>
    private sealed class Classes(int count) : IDataSet
    {
        public string Name => "classes";

        public int Count => count;

        public IReadOnlyDictionary<string, string> Feedback { get; } = new Dictionary<string, string>();

        public Sample Read(int index)
        {
            Tensor x = Build.Normal(index, 1, 1, 10);
            float[] scores = x.ToFloats();
            return new($"{index}", [new Dictionary<string, Tensor> { ["x"] = x }], new Dictionary<string, Tensor> { ["label"] = Tensor.Scalar((long)(index % 5 == 0 ? 0 : Array.IndexOf(scores, scores.Max()))) });
        }
    }

    [Theory]
    [InlineData(true)] // by a metric of one output
    [InlineData(false)] // by a limit that is about one output
    public void What_neither_the_metric_nor_a_limit_looks_at_keeps_the_usual_limits(bool labelled)
    {
        // The large output is ruined: its sign is turned. The answer of the other is as it was.
        Model ruined = Shifted(0, softmax: true);
        Node large = ruined.Graph.Nodes.First(n => n.Is("Mul"));
        large.SetInput(1, ruined.Graph.AddInitializer("turned", Tensor.Scalar(-1000f)));
        Verdict verdict = labelled ? Judged(new(), ruined, metric: TopOne, softmax: true) : Judged(new() { MinAgreement = 0.9 }, ruined, softmax: true);
        Assert.Equal(Fit.Beyond, verdict.Fit);
        Assert.Contains("cosine of", verdict.Reason, StringComparison.Ordinal);
        Assert.Equal(Fit.Within, (labelled ? Judged(new() { MaxDrop = 0.5 }, Shifted(0, softmax: true), metric: TopOne, softmax: true) : Judged(new() { MinAgreement = 0.9 }, Shifted(0, softmax: true), softmax: true)).Fit);
    }

    [Fact]
    public void A_limit_on_numbers_leaves_answers_their_own()
    {
        using Judge judge = new(new() { MinCosine = 0.5 }, Answers(0), new Classes(64), null, new());
        Verdict far = judge.Decide(Answers(1), TestContext.Current.CancellationToken);
        Assert.Equal(Fit.Beyond, far.Fit);
        Assert.All(far.Outputs.Where(o => o.Agreement is not null && o.Output != "y"), o => Assert.False(o.IsNumeric));
    }

    [Fact]
    public void What_was_not_looked_at_for_want_of_time_is_counted()
    {
        using Judge judge = new(new(), Shifted(0), new Classes(512), TopOne, new()) { MayGoOn = () => false, IsHeldOut = false };
        Verdict verdict = judge.Decide(Shifted(0), TestContext.Current.CancellationToken);
        Assert.Equal((64, 448, false), (verdict.Samples, verdict.Unseen, verdict.IsHeldOut));
    }
}
