using Tersor.Compression;
using Tersor.Data;
using Tersor.Data.Metrics;
using Tersor.Onnx;
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
    public void The_same_job_twice_gives_the_same_bytes_at_any_thread_count()
    {
        byte[] once = Run(new(), Data).Model.ToBytes();
        Assert.Equal(once, Run(new(), Data).Model.ToBytes());
        Assert.Equal(once, Run(new() { Threads = 2 }, Data).Model.ToBytes());
    }

    [Fact]
    public void A_model_good_enough_at_once_keeps_no_layer_float()
    {
        QuantizeResult result = Run(new() { MinSqnr = 10 }, Data);
        QuantizationCandidate only = Assert.Single(result.Candidates);
        Assert.Equal((0, true), (only.FloatLayers, only.Chosen));
        Assert.True(only.Sqnr > 10);
        Assert.Equal(QuantizationMode.Static, result.Mode);
        Assert.True(result.Sensitivities.SequenceEqual(result.Sensitivities.OrderByDescending(s => s.Noise)));
    }

    [Fact]
    public void An_unreachable_bar_tries_more_float_layers_and_takes_the_best()
    {
        QuantizeResult result = Run(new() { MinSqnr = 500 }, Data);
        Assert.True(result.Candidates.Count > 1);
        Assert.Equal(result.Candidates.Max(c => c.Sqnr), result.Candidates.Single(c => c.Chosen).Sqnr);
        Assert.Contains(result.Report.Skipped, s => s.Reason.StartsWith("number 1 in error", StringComparison.Ordinal));
    }

    [Fact]
    public void A_metric_that_needs_a_reference_is_no_reason_to_fail()
    {
        QuantizeResult result = new QuantizeJob(new() { RequireSpeed = false }).Run(Network(), Data, null, () => MetricCatalog.Create(new("sqnr", new Dictionary<string, string>()), "."));
        Assert.Null(result.FloatMetric);
        Assert.All(result.Candidates, c => Assert.NotNull(c.Sqnr));
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
        CompressionException error = Assert.Throws<CompressionException>(() => Run(new() { CalibrationSamples = 0, MaxDrop = 2 }, Data));
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

        public Sample Read(int index) => new($"{index}", [new Dictionary<string, Tensor> { ["x"] = index % 4 == 0 && poisoned ? Build.Normal(index, float.NaN, 1, 16, 8, 8) : Build.Normal(index, 1, 1, 16, 8, 8) }], new Dictionary<string, Tensor>());
    }
}
