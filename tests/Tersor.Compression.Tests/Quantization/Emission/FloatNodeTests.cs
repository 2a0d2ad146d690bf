using Tersor.Compression.Quantization;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Runtime;
using Tersor.Testing;

namespace Tersor.Compression.Tests.Quantization;

/// <summary>A node that stays float between 8-bit neighbours is computed in float by the engine, whatever the engine would make of it.</summary>
public sealed class FloatNodeTests
{
    private const string Kept = "kept by the test";

    private static readonly Dictionary<string, NumberFormat> Formats = new()
    {
        ["U8, a scale a channel"] = new(),
        ["U8, a scale a tensor"] = new() { Weights = new Granularity.PerTensor() },
        ["S8, a scale a channel"] = new() { Activations = ElementType.Int8 },
        ["S8, a scale a tensor"] = new() { Activations = ElementType.Int8, Weights = new Granularity.PerTensor() },
        ["U4"] = new() { Activations = ElementType.UInt4 },
    };

    public static TheoryData<string, string> Cases()
    {
        TheoryData<string, string> cases = [];
        foreach (string format in Formats.Keys)
        {
            foreach (string name in FloatOperator.Names)
                cases.Add(name, format);
        }
        return cases;
    }

    public static TheoryData<string> Names => [.. FloatOperator.Names];

    [Theory, MemberData(nameof(Cases))]
    public void A_float_node_is_float_in_the_engine(string name, string format)
    {
        Model model = Between(name);
        (Model quantized, PassReport report) = StaticQuantization.Of(model, Inputs(), Keep, Formats[format]);
        Assert.Equal(2, report.Changes.Count(c => c.Subject.Contains("first", StringComparison.Ordinal)));
        Check(model, quantized, Inputs());
    }

    [Theory, MemberData(nameof(Names))]
    public void A_float_node_is_float_in_a_body(string name)
    {
        // A condition that is fed: the engine would otherwise put the branch in the place of the If.
        Model model = Wrapping.InIf(Between(name), conditionAsInput: true);
        Dictionary<string, Tensor> inputs = new(Inputs()) { [Wrapping.ConditionInput] = Tensor.Scalar(true) };
        (Model quantized, PassReport report) = StaticQuantization.Of(model, inputs, Keep);
        Assert.Equal(2, report.Changes.Count(c => c.Subject.Contains("first", StringComparison.Ordinal)));
        Check(model, quantized, inputs);
    }

    [Theory, MemberData(nameof(Names))]
    public void A_float_node_with_an_open_batch_is_float_in_the_engine(string name)
    {
        Model model = Between(name, "batch");
        (Model quantized, _) = StaticQuantization.Of(model, Inputs(), Keep);
        Check(model, quantized, Inputs());
    }

    [Theory, InlineData("Conv"), InlineData("Conv, Relu"), InlineData("ConvTranspose"), InlineData("Gemm"), InlineData("MatMul, Add")]
    public void A_float_layer_with_stored_weights_is_float_in_the_engine(string name)
    {
        Model model = Between(name);
        (Model quantized, _) = StaticQuantization.Of(model, Inputs(), Keep);
        new QuantizeWeightsPass(new() { MinElements = 1 }).Run(quantized, PassContext.None);
        Check(model, quantized, Inputs());
    }

    [Theory, MemberData(nameof(Names))]
    public void In_8_bits_the_engine_computes_what_the_file_says(string name)
    {
        Model model = Between(name);
        (Model quantized, _) = StaticQuantization.Of(model, Inputs(), _ => null);
        Assert.Empty(EngineAgreement.Culprits(quantized, Sample(Inputs()), new(), TestContext.Current.CancellationToken));
    }

    [Theory, InlineData("keep-float-conv-quantized-by-engine.onnx", "k", 30), InlineData("softmax-axis1-wraps.onnx", "", 36)]
    public void Models_seen_in_use_are_computed_as_written(string file, string kept, double least)
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        Model model = Model.Load(SharedFiles.At("cases", file));
        Dictionary<string, Tensor> inputs = new() { ["x"] = Build.Normal(7, 1, 1, 3, 32, 32) };
        (Model quantized, _) = StaticQuantization.Of(model, inputs, n => n.Name == kept ? Kept : null);
        EngineAgreementResult result = EngineAgreement.Measure(quantized, [Sample(inputs)], new(), model, cancellation: TestContext.Current.CancellationToken);
        Assert.True(result.Agrees);
        Assert.InRange(result.OptimizedDecibel!.Value, least, double.PositiveInfinity);
        Assert.Empty(EngineAgreement.Culprits(quantized, Sample(inputs), new(), TestContext.Current.CancellationToken));
    }

    /// <summary>Two layers in 8 bits, the nodes in question, a layer in 8 bits.</summary>
    private static Model Between(string name, string? batch = null) => Build.Model([batch is null ? 1 : batch, 16, 8, 8], (g, x) =>
    {
        // What comes from outside a body is not quantized there.
        Value inner = g.Apply("Tanh", [x]);
        Value a = First(g, inner, 1), b = First(g, inner, 2);
        Value result = FloatOperator.All[name](g, a, b);
        return g.Conv(result, 3, 16, 16);
    });

    private static Value First(Graph g, Value x, int seed)
    {
        Value result = g.Conv(x, seed, 16, 16);
        result.Producer!.Name = $"first{seed}";
        return result;
    }

    private static string? Keep(Node node) => node.Name.StartsWith("first", StringComparison.Ordinal) || node.Outputs[0]!.IsGraphOutput ? null : Kept;

    private static void Check(Model model, Model quantized, IReadOnlyDictionary<string, Tensor> inputs)
    {
        EngineAgreementResult result = EngineAgreement.Measure(quantized, [Sample(inputs)], new(), model, cancellation: TestContext.Current.CancellationToken);
        Assert.True(result.Agrees, $"on and off {result.Decibel:F1} dB apart, {result.OptimizedDecibel:F1} and {result.AsWrittenDecibel:F1} from the float model");
        Assert.Empty(EngineAgreement.Culprits(quantized, Sample(inputs), new(), TestContext.Current.CancellationToken));
        // The layers around may be fused, and copies of integers; nothing else.
        Assert.All(StaticQuantization.Kernels(quantized), k => Assert.False(k.StartsWith("QLinear", StringComparison.Ordinal) && k != "QLinearConv" || k is "QGemm" or "MatMulIntegerToFloat", k));
        Assert.InRange(StaticQuantization.Kernels(quantized).Count(k => k == "QLinearConv"), 0, 3);
    }

    private static Dictionary<string, Tensor> Inputs() => new() { ["x"] = Build.Normal(7, 1, 1, 16, 8, 8) };

    private static Sample Sample(IReadOnlyDictionary<string, Tensor> inputs) => new("one", [inputs], new Dictionary<string, Tensor>());
}
