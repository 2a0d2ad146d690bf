using Tersor.Data;
using Tersor.Data.Metrics;
using Tersor.Onnx;
using Tersor.Pipeline.Judging;
using Tersor.Pipeline.Quantization;
using Tersor.Testing;

namespace Tersor.Pipeline.Tests.Quantization;

/// <summary>The budget is that of everything in the file: weights that are only stored small, dynamic forms, other outputs.</summary>
public sealed class WholeResultTests
{
    private static QuantizeResult Run(Model model, IDataSet data, QuantizeSettings settings, Func<IMetric>? metric = null) => new QuantizeJob(settings).Run(model, data, null, metric, cancellation: TestContext.Current.CancellationToken);

    private static IMetric Metric(string name) => MetricCatalog.Create(new(name, new Dictionary<string, string>()), ".");

    [Theory]
    [InlineData(QuantizationMode.Weights), InlineData(QuantizationMode.Dynamic)]
    public void What_would_break_the_budget_stays_exact_and_the_rest_is_stored_small(QuantizationMode mode)
    {
        QuantizeResult result = Run(LookUp.Alone(), LookUp.Data(40), new() { Mode = mode, MinElements = 1, Repairs = [] });
        Assert.Null(result.NoGain);
        Assert.True(result.Verdict!.Fits && result.Verdict.Cosine >= 0.99, result.Verdict.Reason);
        Assert.Single(result.Model.Graph.Initializers, v => v.Tensor is { Type: ElementType.Float32, Length: 64 * 32 });
        Assert.Single(result.Model.Graph.Initializers, v => v.Tensor is { Type: ElementType.Int8 or ElementType.UInt8, Length: 31 * 64 });
        Assert.Contains(result.Report.Skipped, s => s.Reason.Contains("it would break the budget", StringComparison.Ordinal));
    }

    [Fact]
    public void The_same_table_is_stored_small_where_that_costs_nothing()
    {
        QuantizeResult result = Run(LookUp.Alone(common: 1), LookUp.Data(40), new() { Mode = QuantizationMode.Weights });
        Assert.DoesNotContain(result.Model.Graph.Initializers, v => v.Tensor is { Type: ElementType.Float32, Length: >= 31 * 64 });
    }

    [Theory]
    [InlineData(QuantizationMode.Weights), InlineData(QuantizationMode.Dynamic), InlineData(QuantizationMode.Static)]
    public void Where_nothing_fits_the_model_that_was_given_is_what_is_left(QuantizationMode mode)
    {
        Model model = LookUp.Alone();
        QuantizeResult result = Run(model, LookUp.Data(40), new() { Mode = mode, MinElements = 1, Repairs = [], Optimize = false, Budget = new() { MinSqnr = 200 } });
        Assert.NotNull(result.NoGain);
        Assert.Same(model, result.Model);
        Assert.Empty(result.Report.Changes);
        Assert.DoesNotContain(result.Candidates, c => c.Chosen);
    }

    [Theory]
    [InlineData("cosine"), InlineData("sqnr"), InlineData("top-1-agreement")]
    public void A_metric_that_compares_with_the_original_is_a_budget(string name)
    {
        QuantizeResult result = Run(LookUp.Alone(), LookUp.Data(40), new() { Mode = QuantizationMode.Weights }, () => Metric(name));
        Budget expected = name switch { "cosine" => new() { MinCosine = 0.99 }, "sqnr" => new() { MinSqnr = Budget.UsualSqnr }, _ => new() { MinAgreement = 0.99 } };
        Assert.Equal(expected, result.Budget);
        Assert.Null(result.MetricName);
    }

    [Fact]
    public void Without_labels_and_limits_outputs_have_to_be_close_and_classes_to_agree()
    {
        Model model = Build.Model([1, 32], (g, x) => g.Apply("Softmax", [g.Apply("MatMul", [x, g.AddInitializer("w", Build.Normal(3, 0.3, 32, 64))])], ("axis", 1L)));
        QuantizeResult result = Run(model, new InMemoryDataSet("noise", [.. Enumerable.Range(0, 80).Select(i => new Sample($"{i}", [new Dictionary<string, Tensor> { ["x"] = Build.Normal(i, 1, 1, 32) }], new Dictionary<string, Tensor>()))]),
            new() { RequireSpeed = false, Repairs = [] });
        Assert.Equal(new Budget { MinCosine = 0.99, MinAgreement = 0.99 }, result.Budget);
        Assert.All(result.Candidates, c => Assert.NotNull(c.Verdict!.Agreement));
    }

    [Fact]
    public void The_output_that_is_least_exact_decides()
    {
        // Two heads of one body; the second takes the difference of two features that are nearly equal.
        Model model = Build.Model([1, 16, 12, 12], (g, x) =>
        {
            Value body = g.Apply("Relu", [g.Conv(x, 1, 16, 64)]), one = g.Conv(body, 2, 64, 64);
            Value weak = g.Apply("Sub", [one, g.Conv(g.Apply("Add", [body, g.AddInitializer("little", Tensor.Scalar(0.01f))]), 2, 64, 64)]);
            weak.Type = new OnnxType.Tensor(ElementType.Float32, null);
            g.AddOutput(weak);
            return one;
        });
        QuantizeResult result = Run(model, Noise(24, 16, 12), new() { RequireSpeed = false, Repairs = [], Budget = new() { MinSqnr = 30 } });
        Assert.All(result.Candidates, c => Assert.Equal(c.Verdict!.Outputs.Min(o => o.Sqnr.Value), c.Verdict.Sqnr));
        Assert.Contains(result.Candidates, c => c.Verdict!.Outputs.Max(o => o.Sqnr.Value) >= 30 && !c.Verdict.Fits);
        Assert.All(result.Candidates.Where(c => c.Chosen), c => Assert.All(c.Verdict!.Outputs, o => Assert.True(o.Sqnr.Value >= 30)));
    }

    /// <summary>Pictures of noise.</summary>
    internal static IDataSet Noise(int count, int channels, int size, Func<int, IReadOnlyDictionary<string, Tensor>>? labels = null) => new InMemoryDataSet("noise",
        [.. Enumerable.Range(0, count).Select(i => new Sample($"{i}", [new Dictionary<string, Tensor> { ["x"] = Build.Normal(i, 1, 1, channels, size, size) }], labels?.Invoke(i) ?? new Dictionary<string, Tensor>()))]);
}
