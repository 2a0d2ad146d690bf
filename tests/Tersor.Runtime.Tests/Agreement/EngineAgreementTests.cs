using Tersor.Data;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Runtime.Tests;

/// <summary>Small graphs whose QuantizeLinear and DequantizeLinear are put by hand, some so that the engine computes something else.</summary>
public sealed class EngineAgreementTests
{
    private static readonly SessionSettings Settings = new();

    [Fact]
    public void A_layer_whose_weights_are_quantized_agrees_with_the_file()
    {
        Model model = Chain((g, x) => Layer(g, x, quantized: true));
        EngineAgreementResult result = Measure(model);
        Assert.True(result.Agrees);
        Assert.InRange(result.Decibel, 40, double.PositiveInfinity);
        Assert.Empty(EngineAgreement.Culprits(model, Sample(), Settings));
    }

    [Fact]
    public void A_float_layer_that_the_engine_gives_one_scale_is_found()
    {
        Model model = Chain((g, x) => Layer(g, x, quantized: false));
        EngineAgreementResult result = Measure(model);
        Assert.False(result.Agrees);
        Assert.InRange(result.Decibel, 0, 20);
        EngineCulprit culprit = Assert.Single(EngineAgreement.Culprits(model, Sample(), Settings));
        Assert.Equal("Conv", culprit.Node.OpType);
        Assert.Contains("QLinearConv", culprit.Kernel, StringComparison.Ordinal);
        Assert.True(culprit.Steps > 2);
    }

    [Fact]
    public void Integers_that_wrap_around_are_found()
    {
        // 16 probabilities of about 1/16 each under a scale far below 1/256.
        Model model = Chain((g, x) => g.Apply("Softmax", [x], ("axis", 1L)), scale: 1f / 4096, zeroPoint: 0);
        Assert.False(Measure(model).Agrees);
        Assert.Equal("Softmax", Assert.Single(EngineAgreement.Culprits(model, Sample(), Settings)).Node.OpType);
    }

    [Fact]
    public void The_layer_is_found_in_a_body()
    {
        Model model = Wrapping.InIf(Chain((g, x) => Layer(g, x, quantized: false)));
        Assert.False(Measure(model).Agrees);
        Assert.Equal("Conv", Assert.Single(EngineAgreement.Culprits(model, Sample(), Settings)).Node.OpType);
    }

    [Fact]
    public void No_worse_than_as_written_is_agreement_and_worse_is_not()
    {
        Assert.True(new OutputAgreement("y", 0.05, 0.06, 0.05).Agrees);   // as far from each other as from the reference
        Assert.False(new OutputAgreement("y", 0.05, 0.06, 0.001).Agrees); // the engine alone is far
        Assert.False(new OutputAgreement("y", 0.05, null, null).Agrees);
        Assert.True(new OutputAgreement("y", 0.005, null, null).Agrees);
        Assert.True(new OutputAgreement("y", 1e-6, 1e-6, 1e-12).Agrees);  // nobody sees it
    }

    [Fact]
    public void The_reference_is_compared_with_both_runs()
    {
        Model quantized = Chain((g, x) => Layer(g, x, quantized: false));
        Model original = Build.Model([1, 16, 8, 8], (g, x) =>
            g.Apply("Clip", [Layer(g, x, quantized: false), g.AddInitializer("low", Tensor.Scalar(-0.256f)), g.AddInitializer("high", Tensor.Scalar(0.254f))]));
        EngineAgreementResult result = EngineAgreement.Measure(quantized, [Sample()], Settings, original, cancellation: TestContext.Current.CancellationToken);
        Assert.True(result.AsWrittenDecibel > result.OptimizedDecibel + 10);
        Assert.False(result.Agrees);
    }

    private static EngineAgreementResult Measure(Model model) => EngineAgreement.Measure(model, [Sample()], Settings, cancellation: TestContext.Current.CancellationToken);

    private static Sample Sample() => new("one", [new Dictionary<string, Tensor> { ["x"] = Build.Normal(7, 1, 1, 16, 8, 8) }], new Dictionary<string, Tensor>());

    /// <summary>Input, a pair, the nodes in question, a pair.</summary>
    private static Model Chain(Func<Graph, Value, Value> nodes, float scale = 0.002f, byte zeroPoint = 128) => Build.Model([1, 16, 8, 8], (g, x) =>
        Pair(g, nodes(g, Pair(g, x, 0.03f, 128)), scale, zeroPoint));

    private static Value Pair(Graph g, Value value, float scale, byte zeroPoint)
    {
        Value s = g.AddInitializer("scale", Tensor.Scalar(scale)), z = g.AddInitializer("zero", Tensor.Scalar(zeroPoint));
        return g.Apply("DequantizeLinear", [g.Apply("QuantizeLinear", [value, s, z]), s, z]);
    }

    /// <summary>A convolution whose first channel has weights a hundred times as large as those of the others, and leaves the range of the result.</summary>
    private static Value Layer(Graph g, Value x, bool quantized)
    {
        sbyte[] integers = [.. Build.Normal(3, 40, 16, 16, 1, 1).ToFloats().Select(v => (sbyte)Math.Clamp(v, -127, 127))];
        float[] scales = [.. Enumerable.Range(0, 16).Select(c => c == 0 ? 0.05f : 0.0005f)];
        Value weight = quantized
            ? g.Apply("DequantizeLinear", [g.AddInitializer("w", Tensor.Create([16, 16, 1, 1], integers)), g.AddInitializer("s", Tensor.Vector(scales)), g.AddInitializer("z", Tensor.Vector(new sbyte[16]))], ("axis", 0L))
            : g.AddInitializer("w", Tensor.Create([16, 16, 1, 1], [.. integers.Select((q, i) => q * scales[i / 16])]));
        return g.Apply("Conv", [x, weight]);
    }
}
