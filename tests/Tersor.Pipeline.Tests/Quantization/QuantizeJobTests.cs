using Tersor.Compression;
using Tersor.Data;
using Tersor.Data.Metrics;
using Tersor.Onnx;
using Tersor.Pipeline.Judging;
using Tersor.Pipeline.Quantization;
using Tersor.Runtime;
using Tersor.Testing;

namespace Tersor.Pipeline.Tests.Quantization;

public sealed class QuantizeJobTests
{
    private static Model Network() => Build.Model(["batch", 16, 8, 8], (g, x) =>
    {
        Value a = g.Apply("Relu", [g.Conv(x, 1, 16, 32)]);
        Value b = g.Apply("Relu", [g.Conv(a, 2, 32, 32)]);
        Value flat = g.Apply("Flatten", [g.Apply("GlobalAveragePool", [g.Conv(b, 3, 32, 64)])]);
        return g.Apply("Softmax", [g.Apply("MatMul", [flat, g.AddInitializer("fc", Build.Normal(9, 0.2, 64, 10))])], ("axis", 1L));
    });

    private static readonly IDataSet Data = new Noise(40);

    [Fact]
    public void A_model_good_enough_at_once_is_within_the_budget_and_ranked()
    {
        QuantizeResult result = Run(new() { Budget = new() { MinSqnr = 10 } }, Data);
        QuantizationCandidate chosen = result.Candidates.Single(c => c.Chosen);
        Assert.True(chosen.Sqnr > 10 && result.Verdict!.Fits && result.NoGain is null);
        Assert.Equal(QuantizationMode.Static, result.Mode);
        Assert.NotEmpty(result.Sensitivities);
        Assert.True(result.Sensitivities.SequenceEqual(result.Sensitivities.OrderByDescending(s => s.Noise)));
    }

    [Fact]
    public void An_unreachable_bar_tries_more_float_layers_and_gives_the_model_back_with_the_reason()
    {
        Model wide = Build.Model([1, 32, 16, 16], (g, x) => g.Conv(g.Apply("Relu", [g.Conv(g.Apply("Relu", [g.Conv(x, 1, 32, 64)]), 2, 64, 64)]), 3, 64, 64));
        QuantizeResult result = new QuantizeJob(new() { Budget = new() { MinSqnr = 500 }, RequireSpeed = false }).Run(wide, new Noise(20) { Shape = [1, 32, 16, 16] }, null, null);
        Assert.True(result.Candidates.Count > 1);
        Assert.DoesNotContain(result.Candidates, c => c.Chosen || c.Verdict!.Fits);
        Assert.Contains("nothing keeps within the error allowed", result.NoGain, StringComparison.Ordinal);
        Assert.All(result.Report.Skipped, s => Assert.Contains("500.0 dB at least", s.Reason, StringComparison.Ordinal));
        Assert.Same(wide, result.Model);
    }

    [Theory]
    [InlineData(true), InlineData(false)]
    public void Operators_of_the_engines_own_are_used_only_where_they_are_allowed(bool standardOnly)
    {
        Model model = Build.Model([6, 1, 32], (g, x) =>
            g.Apply("LSTM", [x, g.AddInitializer("w", Build.Normal(1, 0.2, 1, 256, 32)), g.AddInitializer("r", Build.Normal(2, 0.2, 1, 256, 64))], ("hidden_size", 64L)));
        QuantizeResult result = new QuantizeJob(new() { RequireSpeed = false, StandardOperatorsOnly = standardOnly, Repairs = [] }).Run(model, new Noise(16) { Shape = [6, 1, 32] }, null, null);
        Assert.Equal(!standardOnly, result.Model.AllNodes().Any(n => n.Domain == "com.microsoft"));
    }

    [Fact]
    public void A_speed_that_cannot_be_reached_is_an_error_that_names_what_was_reached()
    {
        CompressionException error = Assert.Throws<CompressionException>(() => Run(new() { MinSpeedUp = 1000, Repairs = [] }, Data));
        Assert.Contains("1000 times as fast", error.Message, StringComparison.Ordinal);
        Assert.Contains("--min-speedup", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_size_that_cannot_be_reached_is_an_error_that_names_the_smallest()
    {
        CompressionException error = Assert.Throws<CompressionException>(() => Run(new() { MaxBytes = 10, Repairs = [] }, Data));
        Assert.Contains("at most 10 are allowed", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1), InlineData(2)]
    public void Candidates_are_judged_on_a_sample_however_few_there_are(int samples)
    {
        QuantizeResult result = Run(new() { Repairs = [] }, new Noise(samples));
        Assert.All(result.Candidates, c => Assert.True(double.IsFinite(c.Sqnr!.Value)));
    }

    [Fact]
    public void A_validation_part_without_samples_is_none()
    {
        QuantizeResult result = new QuantizeJob(new() { RequireSpeed = false, Repairs = [] }).Run(Network(), Data, Data.Take(0), null);
        Assert.All(result.Candidates, c => Assert.True(double.IsFinite(c.Sqnr!.Value)));
    }

    [Fact]
    public void Weights_stored_small_because_no_layer_runs_in_8_bits_keep_to_the_speed_asked_for()
    {
        CompressionException error = Assert.Throws<CompressionException>(() =>
            new QuantizeJob(new() { KeepFloat = ["*"], MinSpeedUp = 1000 }).Run(Network(), Data, null, null));
        Assert.Contains("1000", error.Message, StringComparison.Ordinal);
        Assert.Contains("--min-speedup", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Evidence_accounts_for_repairs_histograms_and_kernels()
    {
        QuantizeResult result = Run(new(), Data);
        Assert.All(result.Evidence.Repairs, r => Assert.Contains(r.Name, RepairNames.All));
        Assert.Equal(result.Plan!.Repairs, result.Evidence.Repairs.Where(r => r.Kept).Select(r => r.Name));
        Assert.All(result.Evidence.Histograms, h => Assert.True(h.Low < h.High && h.Counts.Sum() > 0));
        Assert.Contains(result.Evidence.Operators, o => o.MillisecondsAfter > 0);
        Assert.All(result.Plan.Layers, l => Assert.NotEmpty(l.Reason));
    }

    [Fact]
    public void A_model_in_half_precision_is_quantized_like_any_other_and_keeps_its_types()
    {
        Model model = Network();
        foreach (Value weight in model.Graph.Initializers.Where(v => v.Tensor!.Type == ElementType.Float32).ToArray())
            weight.SetTensor(Tensor.Create(weight.Tensor!.Shape.AsSpan(), Array.ConvertAll(weight.Tensor.ToFloats(), v => (Half)v)));
        model.Graph.Inputs[0].Type = OnnxType.Of(ElementType.Float16, "batch", 16, 8, 8);
        model.Graph.Outputs[0].Type = OnnxType.Of(ElementType.Float16, "batch", 10);
        IDataSet half = new Noise(16) { Convert = t => Tensor.Create(t.Shape.AsSpan(), Array.ConvertAll(t.ToFloats(), v => (Half)v)) };
        QuantizeResult result = new QuantizeJob(new() { RequireSpeed = false, Repairs = [], StoreWeights = false }).Run(model, half, null, null);
        Assert.Contains(result.Report.Changes, c => c.Subject.Contains("Conv", StringComparison.Ordinal));
        using ModelSession session = new(result.Model), original = new(model);
        Tensor given = session.Run(half.Read(3).Steps[0])["y"], expected = original.Run(half.Read(3).Steps[0])["y"];
        Assert.Equal(ElementType.Float16, given.Type);
        Assert.All(given.ToFloats().Zip(expected.ToFloats()), p => Assert.Equal(p.Second, p.First, 0.05));
    }

    [Fact]
    public void What_is_quantized_already_is_recognized_and_stays_as_it_is()
    {
        Model once = Run(new() { Repairs = [], StoreWeights = false }, Data).Model;
        QuantizeResult twice = new QuantizeJob(new() { RequireSpeed = false, Repairs = [], StoreWeights = false }).Run(once, Data, null, null);
        // Which layers those are is measured, and may differ from run to run.
        HashSet<string> already = [.. once.AllNodes().Where(n => n.Is("Conv") && n.Inputs[1]!.Producer?.Is("DequantizeLinear") == true).Select(n => n.ToString())];
        Assert.NotEmpty(already);
        Assert.DoesNotContain(twice.Report.Changes, c => already.Contains(c.Subject));
        Assert.Contains(twice.Report.Skipped, s => s.Reason == "its weight is quantized already");
        HashSet<ulong> kept = [.. Integers(twice.Model)];
        Assert.All(Integers(once), hash => Assert.Contains(hash, kept));
        using ModelSession first = new(once), second = new(twice.Model);
        Assert.All(first.Run(Data.Read(1).Steps[0])["y"].ToFloats().Zip(second.Run(Data.Read(1).Steps[0])["y"].ToFloats()), p => Assert.Equal(p.First, p.Second, 0.02));

        static IEnumerable<ulong> Integers(Model model) => model.Graph.Initializers.Where(v => v.Tensor is { Type: ElementType.Int8, Rank: 4 }).Select(v => v.Tensor!.ContentHash());
    }

    [Fact]
    public void A_metric_that_compares_with_a_reference_is_a_limit()
    {
        QuantizeResult result = new QuantizeJob(new() { RequireSpeed = false, Budget = new() { MinSqnr = 12 } }).Run(Network(), Data, null, () => MetricCatalog.Create(new("sqnr", new Dictionary<string, string>()), "."));
        Assert.Null(result.FloatMetric);
        Assert.Equal(new Budget { MinSqnr = 12 }, result.Budget);
        Assert.True(result.Verdict!.Sqnr >= 12);
        CompressionException error = Assert.Throws<CompressionException>(() => new QuantizeJob(new()).Run(Network(), Data, null, () => MetricCatalog.Create(new("mse", new Dictionary<string, string>()), ".")));
        Assert.Contains("'mse' is no limit", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_data_matrix_products_are_quantized_dynamically_and_other_weights_stored_small()
    {
        QuantizeResult result = new QuantizeJob(new() { MinElements = 100 }).Run(Network(), null, null, null);
        Assert.Equal(QuantizationMode.Dynamic, result.Mode);
        Assert.Contains(result.Model.AllNodes(), n => n.Is("MatMulInteger"));
        Assert.DoesNotContain(result.Model.Graph.Initializers, v => v.Tensor is { Type: ElementType.Float32, Length: > 1000 });
        using ModelSession session = new(result.Model);
        Assert.Equal(10, session.Run(Data.Read(0).Steps[0])["y"].Length);
    }

    [Fact]
    public void Layers_named_by_the_user_stay_float()
    {
        Model model = Network();
        string[] names = [.. model.AllNodes().Where(n => n.Is("Conv")).Select(n => n.Name)];
        QuantizeResult result = new QuantizeJob(new() { KeepFloat = [names[1][..4] + "*"], StoreWeights = false, RequireSpeed = false }).Run(model, Data, null, null);
        Assert.All(result.Model.AllNodes().Where(n => n.Is("Conv")), n => Assert.Equal(ElementType.Float32, n.Inputs[1]!.Tensor!.Type));
    }

    [Theory]
    [InlineData(QuantizationMode.Static), InlineData(QuantizationMode.Dynamic)]
    public void A_weight_behind_Transpose_and_Identity_is_quantized_too(QuantizationMode mode)
    {
        Model model = Build.Model(["batch", 16, 8, 8], (g, x) =>
        {
            Value flat = g.Apply("Flatten", [g.Apply("GlobalAveragePool", [g.Conv(x, 1, 16, 256)])]);
            Value weight = g.Apply("Identity", [g.Apply("Transpose", [g.AddInitializer("fc", Build.Normal(9, 0.2, 512, 256))])]);
            return g.Apply("MatMul", [flat, weight]);
        });
        QuantizeResult result = new QuantizeJob(new() { Mode = mode, RequireSpeed = false, StoreWeights = false, MinElements = 100 }).Run(model, Data, null, null);
        Assert.DoesNotContain(result.Model.Graph.Initializers, v => v.Tensor is { Type: ElementType.Float32, Length: 512 * 256 });
        Assert.Contains(result.Model.Graph.Initializers, v => v.Tensor is { Type: ElementType.Int8, Length: 512 * 256 });
    }

    [Fact]
    public void Wrong_settings_are_refused_all_at_once()
    {
        CompressionException error = Assert.Throws<CompressionException>(() => Run(new() { CalibrationSamples = 0, Budget = new() { MaxDrop = 2 } }, Data));
        Assert.Contains("CalibrationSamples is 0", error.Message, StringComparison.Ordinal);
        Assert.Contains("MaxDrop is 2", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Outputs_whose_size_depends_on_the_data_are_compared()
    {
        Model model = Network();
        // Which of the 2048 features are positive differs between the float model and a quantized one.
        Value features = model.Graph.Apply("Reshape", [model.AllNodes().First(n => n.Is("Conv")).Outputs[0], model.Graph.AddInitializer("flat", Tensor.Vector([-1L]))]);
        Value found = model.Graph.Apply("Compress", [features, model.Graph.Apply("Greater", [features, model.Graph.AddInitializer("threshold", Tensor.Scalar(0f))])]);
        found.Type = new OnnxType.Tensor(ElementType.Float32, null);
        model.Graph.AddOutput(found);
        QuantizeResult result = new QuantizeJob(new() { RequireSpeed = false }).Run(model, Data, null, null);
        Assert.All(result.Candidates, c => Assert.True(double.IsFinite(c.Sqnr!.Value)));
    }

    [Fact]
    public void Infinities_in_an_output_do_not_hide_the_rest_of_it()
    {
        Model model = Network();
        Value masked = model.Graph.Apply("Add", [model.Graph.Outputs[0], model.Graph.AddInitializer("mask", Tensor.Vector([0f, 0, 0, 0, 0, 0, 0, 0, 0, float.NegativeInfinity]))]);
        masked.Type = new OnnxType.Tensor(ElementType.Float32, null);
        model.Graph.AddOutput(masked);
        QuantizeResult result = new QuantizeJob(new() { RequireSpeed = false }).Run(model, Data, null, null);
        Assert.All(result.Candidates, c => Assert.True(double.IsFinite(c.Sqnr!.Value)));
    }

    [Fact]
    public void A_layer_that_sees_NaN_during_calibration_stays_float_and_says_so()
    {
        QuantizeResult result = Run(new() { SensitivitySamples = 0 }, new Noise(40, poisoned: true));
        Assert.Contains(result.Report.Skipped, s => s.Reason.Contains("NaN", StringComparison.Ordinal));
    }

    [Fact]
    public void A_layer_in_the_branch_of_an_If_is_quantized_where_samples_reach_it()
    {
        Model model = new(17, irVersion: 8);
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, 1, 16, 8, 8));
        Value positive = model.Graph.Apply("Greater", [model.Graph.Apply("ReduceMax", [x], ("keepdims", 0L)), model.Graph.AddInitializer("zero", Tensor.Scalar(0f))]);
        Graph taken = model.Graph.NewBody("taken"), other = model.Graph.NewBody("other");
        Node branch = model.Graph.AddNode("If", [positive], ["y"], [new("then_branch", taken), new("else_branch", other)]);
        foreach (Graph body in branch.Bodies)
        {
            Value copied = body.Apply("Mul", [x, body.AddInitializer("one", Tensor.Scalar(1f))]), deep = body.Conv(body.Apply("Relu", [body.Conv(copied, 1, 16, 64)]), 2, 64, 64);
            deep.Type = new OnnxType.Tensor(ElementType.Float32, null);
            body.AddOutput(deep);
        }
        branch.Outputs[0]!.Type = new OnnxType.Tensor(ElementType.Float32, null);
        model.Graph.AddOutput(branch.Outputs[0]!);
        QuantizeResult result = new QuantizeJob(new() { StoreWeights = false, RequireSpeed = false }).Run(model, Data, null, null);
        Assert.Contains(result.Report.Changes, c => c.Subject.Contains("Conv", StringComparison.Ordinal));
        Assert.Contains(result.Report.Skipped, s => s.Reason == "no calibration sample reached it");
        Assert.True(result.Candidates.Single(c => c.Chosen).Sqnr > 25);
    }

    private static QuantizeResult Run(QuantizeSettings settings, IDataSet data) => new QuantizeJob(settings with { RequireSpeed = false }).Run(Network(), data, null, null);

    private sealed class Noise(int count, bool poisoned = false) : IDataSet
    {
        public string Name => "noise";

        public int Count => count;

        public IReadOnlyDictionary<string, string> Feedback { get; } = new Dictionary<string, string>();

        public long[] Shape { get; init; } = [1, 16, 8, 8];

        public Func<Tensor, Tensor> Convert { get; init; } = t => t;

        public Sample Read(int index) => new($"{index}", [new Dictionary<string, Tensor> { ["x"] = Convert(index % 4 == 0 && poisoned ? Build.Normal(index, float.NaN, Shape) : Build.Normal(index, 1, Shape)) }], new Dictionary<string, Tensor>());
    }
}
