using Tersor.Onnx;

namespace Tersor.Testing.FrontDoor;

/// <summary>Tiny classifiers of every kind of network, three classes each, with one input "x" and the output "y".</summary>
internal static class SeedNetworks
{
    private const int Classes = 3;

    /// <summary>Name, model, and the shape of one sample.</summary>
    public static IEnumerable<(string Name, Model Model, int[] Sample)> All() =>
    [
        ("dense", Dense(), [4]),
        ("masked", Masked(), [4]),
        ("conv", Convolution(), [1, 8, 8]),
        ("residual", Residual(), [1, 8, 8]),
        ("attention", Attention(), [4, 8]),
        ("lstm", Recurrent("LSTM", 4), [5, 4]),
        ("gru", Recurrent("GRU", 3), [5, 4]),
        ("branch", Branch(), [4]),
        ("loop", Loop(), [4]),
        ("shapes", Shapes(), [2, 4]),
        ("function", FunctionCall(), [4]),
        ("integers", Integers(), [4]),
        ("frames", Frames(), [16]),
    ];

    private static Model Dense() => Build.Model(["N", 4], (g, x) => Head(g, g.Apply("Relu", [Layer(g, x, 1, 4, 8)]), 2, 8));

    /// <summary>A weight with zeros that training keeps.</summary>
    private static Model Masked()
    {
        Model model = Dense();
        Value weight = model.Graph.Initializers.First();
        weight.SetTensor(Tensor.Create([4, 8], [.. weight.Tensor!.ToFloats().Select((v, i) => i % 2 == 0 ? v : 0f)]));
        weight.Constraints.Add(new Constraint.Mask());
        return model;
    }

    private static Model Convolution() => Build.Model(["N", 1, 8, 8], (g, x) =>
    {
        Value first = g.Apply("Relu", [Normalized(g, g.Conv(x, 1, 1, 4), 4)]);
        Value second = g.Apply("Clip", [g.Conv(g.Apply("MaxPool", [first], ("kernel_shape", new[] { 2L, 2 }), ("strides", new[] { 2L, 2 })), 2, 4, 4, group: 4), Scalar(g, 0), Scalar(g, 6)]);
        return Head(g, g.Apply("Flatten", [g.Apply("GlobalAveragePool", [second])]), 3, 4);
    });

    private static Model Residual() => Build.Model(["N", 1, 8, 8], (g, x) =>
    {
        Value body = g.Conv(x, 1, 1, 4);
        for (int block = 0; block < 2; block++)
            body = g.Apply("Relu", [g.Apply("Add", [body, g.Conv(g.Apply("Relu", [g.Conv(body, 2 + block, 4, 4)]), 4 + block, 4, 4)])]);
        return g.Apply("Softmax", [Head(g, g.Apply("ReduceMean", [body], ("axes", new[] { 2L, 3 }), ("keepdims", 0L)), 6, 4)], ("axis", 1L));
    });

    private static Model Attention() => Build.Model(["N", 4, 8], (g, x) =>
    {
        Value normal = g.Apply("LayerNormalization", [x, Ones(g, 8), Zeros(g, 8)], ("axis", -1L));
        Value query = Layer(g, normal, 1, 8, 8), key = g.Apply("Transpose", [Layer(g, normal, 2, 8, 8)], ("perm", new[] { 0L, 2, 1 })), value = Layer(g, normal, 3, 8, 8);
        Value mixed = g.Apply("MatMul", [g.Apply("Softmax", [g.Apply("Div", [g.Apply("MatMul", [query, key]), Scalar(g, 2.8f)])], ("axis", -1L)), value]);
        Value wide = Layer(g, g.Apply("Add", [x, mixed]), 4, 8, 16);
        Value gelu = g.Apply("Mul", [g.Apply("Mul", [wide, g.Apply("Add", [g.Apply("Erf", [g.Apply("Div", [wide, Scalar(g, 1.41421356f)])]), Scalar(g, 1)])]), Scalar(g, 0.5f)]);
        return Head(g, g.Apply("ReduceMean", [gelu], ("axes", new[] { 1L }), ("keepdims", 0L)), 5, 16);
    });

    private static Model Recurrent(string operation, int gates) => Build.Model(["N", 5, 4], (g, x) =>
    {
        const int Hidden = 6;
        Value steps = g.Apply("Transpose", [x], ("perm", new[] { 1L, 0, 2 }));
        Value weight = g.AddInitializer("w", Weight(1, 1, gates * Hidden, 4)), recurrence = g.AddInitializer("r", Weight(2, 1, gates * Hidden, Hidden)), bias = g.AddInitializer("b", Weight(3, 1, 2 * gates * Hidden));
        Node node = g.AddNode(operation, [steps, weight, recurrence, bias], ["", "last"], [new("hidden_size", (long)Hidden)]);
        return Head(g, g.Apply("Squeeze", [node.Outputs[1], g.AddInitializer("axes", Tensor.Vector(0L))]), 4, Hidden);
    });

    private static Model Branch() => Build.Model(["N", 4], (g, x) =>
    {
        Value positive = g.Apply("Greater", [g.Apply("ReduceSum", [x], ("keepdims", 0L)), Scalar(g, 0)]);
        Graph yes = g.NewBody("yes"), no = g.NewBody("no");
        yes.AddOutput(yes.Apply("MatMul", [x, yes.AddInitializer("w", Weight(1, 4, 4))]));
        no.AddOutput(no.Apply("Tanh", [no.Apply("MatMul", [x, no.AddInitializer("w", Weight(2, 4, 4))])]));
        return Head(g, g.Apply("If", [positive], ("then_branch", yes), ("else_branch", no)), 3, 4);
    });

    private static Model Loop() => Build.Model(["N", 4], (g, x) =>
    {
        Graph body = g.NewBody("body");
        body.AddInput("i", OnnxType.Of(ElementType.Int64));
        Value go = body.AddInput("go", OnnxType.Of(ElementType.Bool)), state = body.AddInput("state", OnnxType.Of(ElementType.Float32, "N", 4));
        body.AddOutput(body.Apply("Identity", [go]));
        body.AddOutput(body.Apply("Relu", [body.Apply("MatMul", [state, body.AddInitializer("w", Weight(1, 4, 4))])]));
        return Head(g, g.Apply("Loop", [g.AddInitializer("trips", Tensor.Scalar(3L)), g.AddInitializer("always", Tensor.Scalar(true)), x], ("body", body)), 2, 4);
    });

    /// <summary>A shape that is computed.</summary>
    private static Model Shapes() => Build.Model(["N", "L", 4], (g, x) =>
    {
        Value sizes = g.Apply("Shape", [x]);
        Value batch = g.Apply("Gather", [sizes, g.AddInitializer("zero", Tensor.Vector(0L))]);
        Value shape = g.Apply("Concat", [batch, g.AddInitializer("rest", Tensor.Vector(8L))], ("axis", 0L));
        return Head(g, g.Apply("Relu", [Layer(g, g.Apply("Reshape", [x, shape]), 1, 8, 6)]), 2, 6);
    });

    private static Model FunctionCall()
    {
        Model model = Build.Model(["N", 4], (g, x) => Head(g, g.AddNode("Own", [Layer(g, x, 1, 4, 6)], ["own"], [new("slope", 0.2f)], domain: "f").Outputs[0]!, 2, 6));
        Function function = new(model, "f", "Own", "") { OpsetImports = { [""] = 17 } };
        function.RequiredAttributes.Add("slope");
        function.Body.AddInput("a", null);
        function.Body.AddOutput(function.Body.AddNode("LeakyRelu", [function.Body.Inputs[0]], ["b"], [new("alpha", new NodeAttribute.Reference("slope", 1))]).Outputs[0]!);
        model.Functions.Add(function);
        model.OpsetImports["f"] = 1;
        return model;
    }

    /// <summary>As static quantization leaves it.</summary>
    private static Model Integers() => Build.Model(["N", 4], (g, x) =>
    {
        Value scale = Scalar(g, 0.05f), zero = g.AddInitializer("zero", Tensor.Scalar((byte)128)), weightScale = Scalar(g, 0.01f), weightZero = g.AddInitializer("weight_zero", Tensor.Scalar((sbyte)0));
        Value weight = g.AddInitializer("w", Tensor.Create([4, 6], [.. Enumerable.Range(0, 24).Select(i => (sbyte)(i * 7 % 127 - 60))]));
        Value rounded = g.Apply("DequantizeLinear", [g.Apply("QuantizeLinear", [x, scale, zero]), scale, zero]);
        Value product = g.Apply("MatMul", [rounded, g.Apply("DequantizeLinear", [weight, weightScale, weightZero])]);
        return Head(g, g.Apply("Relu", [g.Apply("DequantizeLinear", [g.Apply("QuantizeLinear", [product, scale, zero]), scale, zero])]), 2, 6);
    });

    /// <summary>Fixed frames of sound.</summary>
    private static Model Frames() => Build.Model([1, 16], (g, x) => g.Apply("Sigmoid", [Head(g, g.Apply("Tanh", [Layer(g, x, 1, 16, 8)]), 2, 8)]));

    private static Value Head(Graph graph, Value x, int seed, int from) =>
        graph.Apply("Gemm", [x, graph.AddInitializer("head", Weight(seed + 50, Classes, from)), graph.AddInitializer("head_bias", Weight(seed + 60, Classes))], ("transB", 1L));

    private static Value Layer(Graph graph, Value x, int seed, int from, int to) =>
        graph.Apply("Add", [graph.Apply("MatMul", [x, graph.AddInitializer("w", Weight(seed, from, to))]), graph.AddInitializer("b", Weight(seed + 20, to))]);

    private static Value Normalized(Graph graph, Value x, int channels) => graph.Apply("BatchNormalization", [x, Ones(graph, channels), Zeros(graph, channels), Zeros(graph, channels), Ones(graph, channels)]);

    private static Value Scalar(Graph graph, float value) => graph.AddInitializer("constant", Tensor.Scalar(value));

    private static Value Ones(Graph graph, int count) => graph.AddInitializer("ones", Tensor.Vector(Enumerable.Repeat(1f, count).ToArray()));

    private static Value Zeros(Graph graph, int count) => graph.AddInitializer("zeros", Tensor.Vector(new float[count]));

    private static Tensor Weight(int seed, params long[] shape) => Build.Normal(seed, 0.5, shape);
}
