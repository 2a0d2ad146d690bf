using Tersor.Compression.Quantization.Placement;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Compression.Tests.Quantization;

/// <summary>The table of fused patterns against the engine: each row becomes what it says, and operators that are not in it stay as they are.</summary>
public sealed class EngineFusionsTests
{
    /// <summary>What shows a row on the engine, by operator and the one behind it.</summary>
    private static readonly Dictionary<string, string> Shown = new()
    {
        ["Conv"] = "Conv",
        ["ConvTranspose"] = "ConvTranspose",
        ["Gemm"] = "Gemm",
        ["MatMul Add"] = "MatMul, Add",
        ["MatMul"] = "MatMul of two values",
        ["Add"] = "Add",
        ["Mul"] = "Mul",
        ["Where"] = "Where with a number",
        ["Concat"] = "Concat",
        ["Sigmoid"] = "Sigmoid",
        ["LeakyRelu"] = "LeakyRelu",
        ["Softmax"] = "Softmax over the channels",
        ["AveragePool"] = "AveragePool",
        ["GlobalAveragePool"] = "GlobalAveragePool",
    };

    public static TheoryData<string> Rows => [.. EngineFusions.All.Select(Key)];

    public static TheoryData<string> Alone => new("Relu", "HardSwish", "HardSigmoid", "Tanh", "Erf", "Elu", "Exp", "Sqrt", "Neg", "Abs", "Softplus", "Softsign", "Gelu", "Sub", "Div", "Min", "Max", "Sum",
        "Add with a number", "GlobalMaxPool", "ReduceMean", "InstanceNormalization", "LogSoftmax", "Resize, linear");

    [Theory, MemberData(nameof(Rows))]
    public void The_engine_fuses_the_row(string row)
    {
        EngineFusion fusion = EngineFusions.All.Single(f => Key(f) == row);
        Model model = Chain(FloatOperator.All[Shown[row]]);
        IReadOnlyList<string> kernels = StaticQuantization.Kernels(model);
        if (fusion.OpType == "ConvTranspose") // has no 8-bit kernel; its weights are rounded all the same
            Assert.True(kernels.Count(k => k == "DequantizeLinear") > model.AllNodes().Count(n => n.Is("DequantizeLinear")));
        else
            Assert.Contains(kernels, k => fusion.Kernel.Split(" or ").Contains(k));
        Node quantizer = model.AllNodes().Last(n => n.Is("QuantizeLinear"));
        Assert.True(fusion.NeedsQuantizer ? EngineFusions.Before(quantizer)?.OpType == fusion.OpType : model.AllNodes().Any(EngineFusions.FusesByInputs));
    }

    [Theory, MemberData(nameof(Alone))]
    public void The_engine_leaves_other_operators_alone(string name)
    {
        Model model = Chain((g, a, b) => name switch
        {
            "Sub" or "Div" or "Min" or "Max" or "Sum" => g.Apply(name, [a, b]),
            "Add with a number" => g.Apply("Add", [a, g.AddInitializer("n", Tensor.Scalar(3f))]),
            "InstanceNormalization" => g.Apply(name, [a, g.AddInitializer("s", Build.Normal(1, 1, 16)), g.AddInitializer("b", Build.Normal(2, 1, 16))]),
            "Resize, linear" => g.Apply("Resize", [a, null, g.AddInitializer("r", Tensor.Vector([1f, 1f, 2f, 2f]))], ("mode", "linear")),
            _ => g.Apply(name, [a]),
        });
        Assert.DoesNotContain(StaticQuantization.Kernels(model), k => k.StartsWith("QLinear", StringComparison.Ordinal) || k.StartsWith("QGemm", StringComparison.Ordinal));
        Assert.Null(EngineFusions.Before(model.AllNodes().Last(n => n.Is("QuantizeLinear"))));
    }

    private static string Key(EngineFusion fusion) => fusion.Next is null ? fusion.OpType : $"{fusion.OpType} {fusion.Next}";

    /// <summary>Nodes between conversions and nothing else in 8 bits.</summary>
    private static Model Chain(Func<Graph, Value, Value, Value> nodes)
    {
        Model model = new(20, irVersion: 9);
        Graph g = model.Graph;
        Value result = nodes(g, Input("x"), Input("z"));
        foreach (Node unused in g.Nodes.Where(n => n.Outputs[0]!.IsUnused && n.Outputs[0] != result).ToArray())
            unused.Remove();
        Value output = g.Apply("Tanh", [Pair(result)]);
        output.Type = new OnnxType.Tensor(ElementType.Float32, null);
        g.AddOutput(output);
        return model;

        Value Input(string name) => Pair(g.AddInput(name, OnnxType.Of(ElementType.Float32, 1, 16, 8, 8)));

        Value Pair(Value value)
        {
            Value scale = g.AddInitializer("scale", Tensor.Scalar(0.03f + 0.001f * g.NodeCount)), zero = g.AddInitializer("zero", Tensor.Scalar((byte)100));
            return g.Apply("DequantizeLinear", [g.Apply("QuantizeLinear", [value, scale, zero]), scale, zero]);
        }
    }
}
