using Tersor.Compression.Quantization;
using Tersor.Compression.Quantization.Placement;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Runtime;
using Tersor.Testing;

namespace Tersor.Compression.Tests.Quantization;

/// <summary>Unusual graphs with every operator in 8 bits that may be, whatever it costs: the engine must load the result, and its outputs must be close.</summary>
public sealed class QuantizeEverythingTests
{
    private static readonly Dictionary<string, Action<Graph, Value>> Graphs = new()
    {
        ["two convolutions share a weight and a bias"] = (g, x) =>
        {
            Value first = g.Conv(x, 1, 16, 16);
            Node node = first.Producer!;
            Give(g, g.Apply("Conv", [g.Apply("Relu", [first]), node.Inputs[1], node.Inputs[2]], ("pads", new long[] { 1, 1, 1, 1 })));
        },
        ["a grouped convolution"] = (g, x) => Give(g, g.Conv(x, 1, 16, 32, group: 4)),
        ["a convolution without bias"] = (g, x) => Give(g, g.Apply("Conv", [x, g.AddInitializer("w", Build.Normal(2, 0.1, 8, 16, 3, 3))])),
        ["a value that is an output and read in 8 bits"] = (g, x) =>
        {
            Value inner = g.Apply("Relu", [g.Conv(x, 1, 16, 16)]);
            Give(g, inner);
            Give(g, g.Conv(inner, 2, 16, 16));
        },
        ["a product that is an output and read in 8 bits"] = (g, x) =>
        {
            Value inner = g.Apply("MatMul", [x, g.AddInitializer("w", Build.Normal(1, 0.3, 8, 8))]);
            Give(g, inner);
            Give(g, g.Apply("Sigmoid", [inner]));
        },
        ["the input is given out through Identity"] = (g, x) =>
        {
            Give(g, g.Apply("Identity", [x]));
            Give(g, g.Conv(x, 2, 16, 16));
        },
        ["Clip without an upper end"] = (g, x) => Give(g, g.Apply("Clip", [g.Conv(x, 1, 16, 16), Scalar(g, 0)])),
        ["Clip from below zero"] = (g, x) => Give(g, g.Apply("Clip", [g.Conv(x, 1, 16, 16), Scalar(g, -1), Scalar(g, 1)])),
        ["Clip read twice"] = (g, x) =>
        {
            Value clipped = g.Apply("Clip", [g.Conv(x, 1, 16, 16), Scalar(g, 0), Scalar(g, 1)]);
            Give(g, g.Apply("Add", [g.Conv(clipped, 2, 16, 16), clipped]));
        },
        ["Relu makes the output"] = (g, x) => Give(g, g.Apply("Relu", [g.Conv(x, 1, 16, 16)])),
        ["a rectified value beside a negative one in a Concat"] = (g, x) =>
            Give(g, g.Apply("Concat", [g.Apply("Relu", [g.Conv(x, 1, 16, 16)]), g.Conv(x, 2, 16, 16)], ("axis", 1L))),
        ["a clipped value beside a larger one in a Concat"] = (g, x) =>
            Give(g, g.Conv(g.Apply("Concat", [g.Apply("Clip", [g.Conv(x, 1, 16, 16), Scalar(g, 0), Scalar(g, 0.5f)]), g.Apply("Relu", [g.Conv(x, 2, 16, 16)])], ("axis", 1L)), 5, 32, 16)),
        ["HardSigmoid before MaxPool and Concat"] = (g, x) =>
        {
            Value gate = g.Apply("HardSigmoid", [g.Conv(x, 1, 16, 16)]);
            Value pooled = g.Apply("MaxPool", [gate], ("kernel_shape", new long[] { 3, 3 }), ("pads", new long[] { 1, 1, 1, 1 }));
            Give(g, g.Apply("Concat", [pooled, g.Conv(x, 3, 16, 16)], ("axis", 1L)));
        },
        ["HardSigmoid without shift"] = (g, x) => Give(g, g.Apply("HardSigmoid", [g.Conv(x, 1, 16, 16)], ("beta", 0f))),
        ["times a negative number"] = (g, x) => Give(g, g.Apply("Mul", [g.Conv(x, 1, 16, 16), Scalar(g, -2.5f)])),
        ["times zero"] = (g, x) => Give(g, g.Apply("Add", [g.Apply("Mul", [g.Conv(x, 1, 16, 16), Scalar(g, 0)]), x])),
        ["times a positive number, as the output"] = (g, x) => Give(g, g.Apply("Mul", [Scalar(g, 2.5f), g.Conv(x, 1, 16, 16)])),
        ["times a number of higher rank"] = (g, x) => Give(g, g.Apply("Mul", [g.Conv(x, 1, 16, 16), g.AddInitializer("c", Tensor.Create([1, 1, 1, 1, 1], new[] { 2f }))])),
        ["a scaled value in a Concat"] = (g, x) =>
        {
            Value a = g.Conv(x, 1, 16, 16);
            Give(g, g.Apply("Concat", [g.Apply("Div", [a, Scalar(g, 6)]), a, g.Apply("Mul", [a, Scalar(g, 3)])], ("axis", 1L)));
        },
        ["a value times itself"] = (g, x) => Give(g, g.Apply("Mul", [x, x])),
        ["a value joined with itself"] = (g, x) => Give(g, g.Conv(g.Apply("Concat", [x, x], ("axis", 1L)), 1, 32, 16)),
        ["Split with several outputs"] = (g, x) =>
        {
            Node split = g.AddNode("Split", [g.Conv(x, 1, 16, 16), g.AddInitializer("sizes", Tensor.Vector([4L, 12L]))], ["a", "b"], [new("axis", (NodeAttribute)1L)]);
            Give(g, g.Apply("Sigmoid", [split.Outputs[0]]));
            Give(g, split.Outputs[1]!);
        },
        ["a constant a channel is added"] = (g, x) => Give(g, g.Apply("Add", [g.Conv(x, 1, 16, 16), g.AddInitializer("c", Build.Normal(5, 1, 16, 1, 1))])),
        ["Softmax over the last axis and another"] = (g, x) =>
        {
            Give(g, g.Apply("Softmax", [x], ("axis", -1L)));
            Give(g, g.Apply("Softmax", [x], ("axis", 1L)));
        },
        ["MatMul and a bias"] = (g, x) => Give(g, g.Apply("Add", [g.Apply("MatMul", [x, g.AddInitializer("w", Build.Normal(1, 0.3, 8, 8))]), g.AddInitializer("c", Build.Normal(5, 1, 8))])),
        ["Gemm with a row as bias"] = (g, x) => Give(g, g.Apply("Gemm", [g.Apply("Flatten", [x], ("axis", 3L)), g.AddInitializer("w", Build.Normal(1, 0.3, 8, 8)), g.AddInitializer("c", Build.Normal(5, 1, 1, 8))])),
        ["Gemm with a scalar as bias"] = (g, x) => Give(g, g.Apply("Gemm", [g.Apply("Flatten", [x], ("axis", 3L)), g.AddInitializer("w", Build.Normal(1, 0.3, 8, 8)), Scalar(g, 2)])),
        ["Gemm with a column as bias"] = (g, x) => Give(g, g.Apply("Gemm", [g.Apply("Reshape", [x, g.AddInitializer("s", Tensor.Vector([16L, 64L]))]),
            g.AddInitializer("w", Build.Normal(1, 0.3, 64, 16)), g.AddInitializer("c", Build.Normal(5, 3, 16, 1))])),
        ["a convolution over a line"] = (g, x) => Give(g, g.Apply("Conv", [g.Apply("Reshape", [x, g.AddInitializer("s", Tensor.Vector([1L, 16L, 64L]))]), g.AddInitializer("w", Build.Normal(1, 0.1, 16, 16, 3))])),
        ["a convolution over a volume"] = (g, x) => Give(g, g.Apply("Conv", [g.Apply("Reshape", [x, g.AddInitializer("s", Tensor.Vector([1L, 4L, 4L, 8L, 8L]))]), g.AddInitializer("w", Build.Normal(1, 0.1, 8, 4, 3, 3, 3))])),
        ["poolings and copies"] = (g, x) =>
        {
            Value a = g.Apply("AveragePool", [g.Conv(x, 1, 16, 16)], ("kernel_shape", new long[] { 3, 3 }), ("pads", new long[] { 1, 1, 1, 1 }), ("count_include_pad", 1L));
            Value b = g.Apply("Transpose", [a], ("perm", new long[] { 0, 2, 3, 1 }));
            Value c = g.Apply("Expand", [g.Apply("Unsqueeze", [b, g.AddInitializer("a", Tensor.Vector([1L]))]), g.AddInitializer("s", Tensor.Vector([1L, 2L, 1L, 1L, 1L]))]);
            Give(g, g.Apply("Tile", [c, g.AddInitializer("t", Tensor.Vector([1L, 1L, 2L, 1L, 1L]))]));
            Give(g, g.Apply("DepthToSpace", [a], ("blocksize", 2L)));
            Give(g, g.Apply("Resize", [a, null, g.AddInitializer("r", Tensor.Vector([1f, 1f, 2f, 2f]))]));
            Give(g, g.Apply("Gather", [a, g.AddInitializer("i", Tensor.Scalar(3L))], ("axis", 1L)));
            Give(g, g.Apply("LeakyRelu", [a]));
        },
        ["a constant that is not finite is added"] = (g, x) => Give(g, g.Apply("Softmax", [g.Apply("Add", [x, g.AddInitializer("mask", Tensor.Vector([0f, 0, 0, 0, 0, 0, 0, float.NegativeInfinity]))])])),
        ["activations are all zero"] = (g, x) => Give(g, g.Apply("Add", [g.Conv(g.Apply("Relu", [g.Apply("Add", [g.Conv(x, 1, 16, 16), Scalar(g, -1e6f)])]), 2, 16, 16), x])),
        ["the weights are Constant nodes"] = (g, x) =>
        {
            Value weight = g.AddNode("Constant", [], ["w"], [new("value", (NodeAttribute)Build.Normal(2, 0.1, 8, 16, 3, 3))]).Outputs[0]!;
            Give(g, g.Apply("Conv", [x, weight]));
        },
        ["numbers are quantized already"] = (g, x) =>
        {
            Value scale = Scalar(g, 0.05f), zero = g.AddInitializer("z", Tensor.Scalar((byte)128));
            Value restored = g.Apply("DequantizeLinear", [g.Apply("QuantizeLinear", [x, scale, zero]), scale, zero]);
            Value weight = g.Apply("DequantizeLinear", [g.AddInitializer("w", Tensor.Create([16, 16, 1, 1], [.. Enumerable.Range(0, 256).Select(i => (sbyte)i)])), Scalar(g, 0.01f)]);
            Give(g, g.Apply("Sigmoid", [g.Apply("Conv", [restored, weight])]));
        },
    };

    public static TheoryData<string> Names => [.. Graphs.Keys];

    [Theory, MemberData(nameof(Names))]
    public void Outputs_stay_close_when_everything_is_quantized(string name)
    {
        Model model = new(17, irVersion: 8);
        Graphs[name](model.Graph, model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, 1, 16, 8, 8)));
        Check(model);
    }

    [Fact]
    public void A_file_of_IR_version_3_stays_loadable()
    {
        Model model = new(13, irVersion: 3);
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, 1, 16, 8, 8));
        Give(model.Graph, model.Graph.Conv(x, 1, 16, 16));
        Check(model);
    }

    [Theory, InlineData(ElementType.Float16), InlineData(ElementType.Float64)]
    public void Other_floating_point_types_are_left_alone(ElementType type)
    {
        Model model = new(17, irVersion: 8);
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, 1, 16, 8, 8));
        Value cast = model.Graph.Apply("Cast", [x], ("to", (long)type)), weight = model.Graph.AddInitializer("w", Build.Normal(1, 0.1, 8, 8));
        Value product = model.Graph.Apply("MatMul", [cast, model.Graph.Apply("Cast", [weight], ("to", (long)type))]);
        Give(model.Graph, model.Graph.Apply("Cast", [product], ("to", (long)ElementType.Float32)));
        (_, IReadOnlyList<PassSkip> skipped) = Everything(model, v => ShapeInference.Infer(model).TypeOf(v) ?? v.Type);
        Assert.Contains(skipped, s => s.Subject.StartsWith("MatMul", StringComparison.Ordinal) && s.Reason.Contains("Float32", StringComparison.Ordinal));
    }

    [Theory, InlineData(float.NaN), InlineData(float.PositiveInfinity)]
    public void A_weight_that_is_not_finite_is_left_alone_and_reported(float value)
    {
        float[] weight = Build.Normal(2, 0.1, 8, 8).ToFloats();
        weight[5] = value;
        Model model = Build.Model([1, 8], (g, x) => g.Apply("MatMul", [x, g.AddInitializer("w", Tensor.Create([8, 8], weight))]));
        (IReadOnlyList<QuantizationUnit> units, IReadOnlyList<PassSkip> skipped) = Everything(model, v => ShapeInference.Infer(model).TypeOf(v) ?? v.Type);
        Assert.Empty(units);
        Assert.Contains("not finite", Assert.Single(skipped).Reason, StringComparison.Ordinal);
        Assert.Contains("not finite", Assert.Single(new QuantizeDynamicPass(new() { MinElements = 1 }).Run(model, PassContext.None).Skipped).Reason, StringComparison.Ordinal);
        Assert.Contains("not finite", Assert.Single(new QuantizeWeightsPass(new() { MinElements = 1 }).Run(model, PassContext.None).Skipped).Reason, StringComparison.Ordinal);
    }

    private static void Give(Graph graph, Value value)
    {
        value.Type ??= new OnnxType.Tensor(ElementType.Float32, null);
        graph.AddOutput(value);
    }

    private static Value Scalar(Graph graph, float value) => graph.AddInitializer("c", Tensor.Scalar(value));

    private static (IReadOnlyList<QuantizationUnit> Units, IReadOnlyList<PassSkip> Skipped) Everything(Model model, Func<Value, OnnxType?> typeOf)
    {
        List<QuantizationUnit> units = [];
        List<PassSkip> skipped = [];
        foreach (Graph graph in model.Graph.WithNested())
        {
            (List<QuantizationUnit> found, List<PassSkip> not) = new UnitFinder(EngineRules.X64Vnni, typeOf).Find(graph);
            units.AddRange(found);
            skipped.AddRange(not);
        }
        return (units, skipped);
    }

    private static void Check(Model model)
    {
        Tensor input = Build.Normal(1, 1, 1, 16, 8, 8);
        Sample[] samples = [new("one", [new Dictionary<string, Tensor> { ["x"] = input }], new Dictionary<string, Tensor>())];
        SeenShapesObserver shapes = new(model.Graph.Nodes.SelectMany(n => n.Outputs).OfType<Value>().Concat(model.Graph.Inputs.Where(i => !i.IsInitializer)));
        Observer.Observe(model, samples, new Dictionary<string, string>(), [shapes]);
        InferredTypes inferred = ShapeInference.Infer(model);
        (IReadOnlyList<QuantizationUnit> units, IReadOnlyList<PassSkip> skipped) = Everything(model, v => shapes.Seen.TryGetValue(v, out SeenShapes? seen)
            ? new OnnxType.Tensor(seen.ElementType, [.. seen.Shapes[0].Select(size => (Dimension)size)]) : inferred.TypeOf(v) ?? v.Type);
        QuantizationPlacement placement = new(units, skipped);
        MinMaxObserver ranges = new(placement.Activations());
        Observer.Observe(model, samples, new Dictionary<string, string>(), [ranges]);
        Model copy = model.Clone(out IReadOnlyDictionary<Value, Value> copies);
        Dictionary<Value, (double, double)> known = ranges.Ranges.ToDictionary(r => copies[r.Key], r => ((double)r.Value.Min, (double)r.Value.Max));
        new QuantizeStaticPass(placement.On(copies), new() { RangeOf = v => known[v] }).Run(copy, PassContext.None);

        using ModelSession before = new(model), after = new(copy);
        IReadOnlyDictionary<string, Tensor> expected = before.Run(new Dictionary<string, Tensor> { ["x"] = input }), actual = after.Run(new Dictionary<string, Tensor> { ["x"] = input });
        Assert.Equal(expected.Keys.Order(), actual.Keys.Order());
        foreach ((string name, Tensor tensor) in expected)
        {
            Assert.Equal(tensor.Shape.AsSpan(), actual[name].Shape.AsSpan());
            float[] values = tensor.ToFloats(), found = actual[name].ToFloats();
            double signal = values.Sum(v => (double)v * v), noise = values.Zip(found).Sum(p => Math.Pow(p.First - p.Second, 2));
            Assert.True(noise <= signal * 0.0016, $"'{name}': {10 * Math.Log10(signal / noise):F1} dB, expected at least 28");
        }
    }
}
