using System.Diagnostics;
using Tersor.Compression.Quantization.Placement;
using Tersor.Data;
using Tersor.Data.Metrics;
using Tersor.Onnx;
using Tersor.Pipeline.Judging;
using Tersor.Pipeline.Quantization;
using Tersor.Runtime;
using Tersor.Testing;

namespace Tersor.Pipeline.Tests.Quantization;

/// <summary>What a search tries, by what it decides, and how long it takes.</summary>
public sealed class CandidateTests
{
    private static QuantizeResult Run(Model model, IDataSet data, QuantizeSettings settings, Func<IMetric>? metric = null) => new QuantizeJob(settings).Run(model, data, null, metric, cancellation: TestContext.Current.CancellationToken);

    private static Model Deep(int layers, int channels) => Build.Model([1, 10, 24, 24], (g, x) =>
    {
        Value value = g.Conv(x, 1, 10, channels);
        for (int i = 2; i <= layers; i++)
            value = g.Conv(g.Apply("Relu", [value]), i, channels, channels);
        return value;
    });

    [Fact]
    public void The_form_that_needs_no_data_is_a_candidate_where_there_are_data()
    {
        Model model = Build.Model([4, 256], (g, x) => g.Apply("MatMul", [g.Apply("Tanh", [g.Apply("MatMul", [x, g.AddInitializer("a", Build.Normal(1, 0.06, 256, 512))])]), g.AddInitializer("b", Build.Normal(2, 0.05, 512, 256))]));
        IDataSet data = new InMemoryDataSet("noise", [.. Enumerable.Range(0, 20).Select(i => new Sample($"{i}", [new Dictionary<string, Tensor> { ["x"] = Build.Normal(i, 1, 4, 256) }], new Dictionary<string, Tensor>()))]);
        QuantizeResult result = Run(model, data, new() { Repairs = [], SensitivitySamples = 0 });
        QuantizationCandidate dynamic = Assert.Single(result.Candidates, c => c.Name == "products quantized at run time");
        Assert.NotNull(dynamic.Verdict);
        // What is chosen is no slower than it, but for 5 % and what a measurement of microseconds leaves open.
        if (dynamic.Verdict!.Fits && result.NoGain is null)
            Assert.True(result.Candidates.Single(c => c.Chosen).SpeedUp!.Value.High >= 0.9 * dynamic.SpeedUp!.Value.Low);
    }

    [Fact]
    public void The_graph_as_it_was_with_everything_in_8_bits_is_a_candidate()
    {
        QuantizeResult result = Run(Deep(3, 32), WholeResultTests.Noise(16, 10, 24), new() { RequireSpeed = false, Repairs = [], SensitivitySamples = 0 });
        Assert.True(result.Plan!.Plain || result.Candidates.Any(c => c.Name.StartsWith("the graph as it was", StringComparison.Ordinal)), string.Join('\n', result.Candidates.Select(c => c.Name)));
    }

    [Fact]
    public void Few_labelled_samples_give_an_interval_and_closeness_decides_within_it()
    {
        Model model = SmallNetwork.Model();
        using ModelSession session = new(model);
        IDataSet data = WholeResultTests.Noise(40, 16, 8);
        IDataSet labelled = new InMemoryDataSet("labelled", [.. data.Samples().Select((s, i) => s with { Labels = new Dictionary<string, Tensor> { ["label"] = Tensor.Scalar(i % 5 == 0 ? 0L : Best(session.Run(s.Steps[0])["y"])) } })]);
        QuantizeResult result = Run(model, labelled, new() { RequireSpeed = false, Budget = new() { MaxDrop = 0.001 } }, () => MetricCatalog.Create(new("top-1", new Dictionary<string, string>()), "."));
        Assert.Equal("top-1", result.MetricName);
        Assert.All(result.Candidates, c => Assert.True(c.Verdict!.Samples == 40 && c.Verdict.Metric!.Drop.High > c.Verdict.Metric.Drop.Value));
        Verdict chosen = result.Verdict!;
        Assert.Equal(Fit.Likely, chosen.Fit); // 40 samples cannot show a drop of one in a thousand
        Assert.True(chosen.Cosine >= 0.99 || chosen.Metric!.Drop.Value <= 0.0005);

        static long Best(Tensor scores) => Array.IndexOf(scores.ToFloats(), scores.ToFloats().Max());
    }

    [Fact]
    public void An_input_of_greater_contrast_than_any_seen_keeps_most_of_its_exactness()
    {
        Model model = SmallNetwork.Model();
        QuantizeResult result = Run(model, WholeResultTests.Noise(32, 16, 8), new() { RequireSpeed = false, Repairs = [], SensitivitySamples = 0 });
        using ModelSession original = new(model), quantized = new(result.Model);
        double plain = Sqnr(1), greater = Sqnr(1.15f);
        Assert.True(greater >= plain - 3, $"{plain:F1} dB, with 15 % more contrast {greater:F1} dB");
        Assert.All(result.Candidates, c => Assert.True(c.Verdict!.WorstSqnr <= c.Verdict.Sqnr));

        double Sqnr(float contrast)
        {
            double noise = 0, signal = 0;
            for (int i = 0; i < 20; i++)
            {
                Dictionary<string, Tensor> input = new() { ["x"] = Build.Normal(1000 + i, contrast, 1, 16, 8, 8) };
                foreach ((float y, float given) in original.Run(input)["y"].ToFloats().Zip(quantized.Run(input)["y"].ToFloats()))
                    (noise, signal) = (noise + (y - given) * (double)(y - given), signal + y * (double)y);
            }
            return 10 * Math.Log10(signal / noise);
        }
    }

    [Fact]
    public void A_search_that_may_take_two_seconds_ends_soon_within_its_budget()
    {
        Stopwatch watch = Stopwatch.StartNew();
        QuantizeResult result = Run(Deep(10, 64), WholeResultTests.Noise(48, 10, 24), new() { RequireSpeed = false, TimeLimit = TimeSpan.FromSeconds(2) });
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(25), $"{watch.Elapsed}");
        Assert.True(result.NoGain is not null || result.Verdict!.Fits);
        Assert.NotEmpty(result.Candidates);
        TestContext.Current.TestOutputHelper!.WriteLine($"{watch.Elapsed}, {result.Candidates.Count} candidates, {result.Verdict?.Reason}");
    }

    [Fact]
    public void The_plan_of_a_result_with_exact_weights_gives_its_bytes_again()
    {
        Model model = LookUp.BesideConvolutions();
        IDataSet data = LookUp.Data(24, pictures: true);
        QuantizeResult result = Run(model, data, new() { RequireSpeed = false, Repairs = [], SensitivitySamples = 0 });
        Assert.True(result.Verdict!.Fits, result.Verdict.Reason);
        Assert.Contains(result.Plan!.Layers, l => l.Operator == "Gather" && l.Form == LayerForm.Float && l.Reason.Contains("break the budget", StringComparison.Ordinal));
        Assert.Contains(result.Plan.Layers, l => l.Operator == "Conv" && l.Form == LayerForm.Static);
        Assert.Equal(result.Model.ToBytes(), Run(model, data, new() { Plan = result.Plan }).Model.ToBytes());
    }

    [Fact]
    public void The_plan_of_the_graph_as_it_was_gives_its_bytes_again()
    {
        // Channels that a kernel pads, and a pooling that becomes a convolution: rewriting makes another graph of it.
        Model model = Build.Model([1, 10, 24, 24], (g, x) => g.Conv(g.Apply("AveragePool", [g.Apply("Relu", [g.Conv(x, 1, 10, 30)])], ("kernel_shape", new long[] { 2, 2 }), ("strides", new long[] { 2, 2 })), 2, 30, 30));
        IDataSet data = WholeResultTests.Noise(24, 10, 24);
        // Ranges of that graph say that it is the one to quantize, whatever is faster here.
        EngineRules rules = EngineRules.For(new QuantizeSettings().Target);
        CancellationToken stop = TestContext.Current.CancellationToken;
        CalibratedModel plain = CalibratedModel.Uncalibrated(PreparedModel.Of(PreparedModel.Folded(model, new(), stop), rules.Format.RequiredOpset), data.Read(0), data.Feedback, rules, _ => null, stop).Calibrate(data, 1, null, stop);
        CalibrationRanges ranges = new(plain.Fingerprint, [.. RangeSelection.By(RangeSelection.Default, plain).Select(r => new PlannedRange(r.Key, r.Value.Low, r.Value.High, r.Value.Estimator))]);
        QuantizeResult result = Run(model, data, new() { RequireSpeed = false, Repairs = [], KnownRanges = ranges });
        Assert.True(result.Plan!.Plain);
        Assert.Equal(result.Model.ToBytes(), Run(model, data, new() { Plan = result.Plan }).Model.ToBytes());
    }
}
