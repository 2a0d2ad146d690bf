using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Training.Tests.Operators;

/// <summary>A model and what it is fed.</summary>
/// <param name="Name">What it is called in failures.</param>
/// <param name="Model">Small.</param>
/// <param name="Inputs">By name.</param>
internal sealed record OperatorCase(string Name, Model Model, IReadOnlyDictionary<string, OnnxTensor> Inputs)
{
    private const string Microsoft = "com.microsoft", Classical = "ai.onnx.ml";

    /// <summary>Operators that ONNX's backend tests do not reach, because they are not ONNX's or because nothing there has a gradient.</summary>
    public static IEnumerable<OperatorCase> All() =>
    [
        Fused("Gelu", [Reals(2, 5)]),
        Fused("BiasGelu", [Reals(2, 5), Reals(5)]),
        Fused("FastGelu", [Reals(2, 5), Reals(5)]),
        Fused("QuickGelu", [Reals(2, 5)]),
        Fused("BiasSplitGelu", [Reals(1, 2, 2560), Reals(2560)]),
        Fused("SkipLayerNormalization", [Reals(2, 3, 6), Reals(2, 3, 6), Reals(6), Reals(6), Reals(6)], 4, ("epsilon", 1e-5f)),
        Fused("SkipSimplifiedLayerNormalization", [Reals(2, 3, 6), Reals(2, 3, 6), Reals(6), Reals(6)], 4, ("epsilon", 1e-5f)),
        new Builder { Opset = 17 }.Node("SimplifiedLayerNormalization", [Reals(2, 3, 6), Reals(6)], 1, ("epsilon", 1e-5f)),
        Fused("EmbedLayerNormalization", [Ids(2, 3), Ids(2, 3), Reals(4, 6), Reals(5, 6), Reals(4, 6), Reals(6), Reals(6), Ones(2, 3)], 2, ("epsilon", 1e-5f)),
        Fused("MultiHeadAttention", [Reals(2, 3, 8), Reals(2, 5, 8), Reals(2, 5, 8), Reals(24), Ones(2, 5), Reals(2, 4, 3, 5)], 1, ("num_heads", 4L)),
        Fused("MultiHeadAttention", [Reals(2, 3, 4, 3, 2)], 1, ("num_heads", 4L)),
        Fused("MultiHeadAttention", [Reals(2, 3, 8), Reals(2, 3, 8), Reals(2, 3, 8), null, null, null, Reals(2, 4, 2, 2), Reals(2, 4, 2, 2)], 3, ("num_heads", 4L)),
        Fused("Attention", [Reals(2, 3, 6), Reals(6, 24), Reals(24)], 1, ("num_heads", 4L), ("unidirectional", 1L)),
        Fused("Attention", [Reals(2, 3, 6), Reals(6, 24), Reals(24), Lengths(3, 2)], 1, ("num_heads", 4L)),
        Fused("RotaryEmbedding", [Reals(2, 3, 8), Ids64(2, 3), Reals(6, 2), Reals(6, 2)]),
        Fused("FusedMatMul", [Reals(2, 4, 3), Reals(2, 5, 4)], 1, ("transA", 1L), ("transB", 1L), ("alpha", 0.5f)),
        Fused("FusedMatMul", [Reals(3, 2, 4), Reals(2, 4, 5)], 1, ("transBatchA", 1L)),
        Fused("Inverse", [Reals(2, 3, 3)]),
        new Builder { Opset = 18 }.Node("GroupNormalization", [Reals(2, 4, 3), Reals(2), Reals(2)], 1, ("num_groups", 2L)),
        new Builder { Opset = 15 }.Node("BatchNormalization", [Reals(2, 3, 4), Reals(3), Reals(3), Reals(3), Squares(3)]),
        new Builder { Opset = 7 }.Node("BatchNormalization", [Reals(2, 3, 2), Reals(3, 2), Reals(3, 2), Reals(3, 2), Squares(3, 2)], 1, ("spatial", 0L)),
        new Builder { Opset = 6 }.Node("PRelu", [Reals(2, 3, 4), Reals(3)]),
        new Builder { Opset = 6 }.Node("Add", [Reals(2, 3, 4), Reals(3)], 1, ("broadcast", 1L), ("axis", 1L)),
        new Builder { Opset = 11 }.Node("Softmax", [Reals(2, 3, 4)], 1, ("axis", 1L)),
        new Builder { Opset = 11 }.Node("LogSoftmax", [Reals(2, 3, 4)], 1, ("axis", 1L)),
        new Builder { Opset = 14 }.Node("Trilu", [Reals(3, 4)]),
        new Builder { Opset = 14 }.Node("GlobalLpPool", [Reals(2, 3, 4)]),
        new Builder { Opset = 13 }.Node("ReduceMax", [Reals(2, 3, 4)]),
        new Builder { Opset = 13 }.Node("Clip", [Reals(2, 3), Reals(), Squares()]),
        new Builder { Opset = 17 }.Node("MaxRoiPool", [Reals(1, 2, 6, 6), OnnxTensor.Create<float>([2, 5], [0, 0, 0, 4, 4, 0, 1, 1, 5, 5])], 1, ("pooled_shape", new long[] { 2, 2 })),
        new Builder { Opset = 17, Domain = Classical }.Node("LinearRegressor", [Reals(2, 3)], 1, ("coefficients", new[] { 0.5f, -1, 2, 1, 0.25f, 3 }), ("intercepts", new[] { 1f, 2 }), ("targets", 2L)),
        new Builder { Opset = 17, Domain = Classical }.Node("Normalizer", [Reals(2, 3)], 1, ("norm", "L2")),
        new Builder { Opset = 17, Domain = Classical }.Node("Scaler", [Reals(2, 3)], 1, ("offset", new[] { 1f, 2, 3 }), ("scale", new[] { 0.5f, -1, 2 })),
        Fused("CausalConvWithState", [Reals(2, 3, 5), Reals(3, 1, 3), Reals(3), Reals(2, 3, 2)], 2),
        Sequences(),
        InIf(new Builder { Opset = 17 }.Node("Mul", [Reals(2, 3), Reals(3)])),
        // Integers carried in floats, as a quantization before them gives them.
        new Builder { Opset = 17 }.Node("MatMulInteger", [Reals(2, 3), Reals(3, 4), Reals(), Reals()]),
        Fused("MatMulIntegerToFloat", [Reals(2, 3), Reals(3, 4), Reals(), Reals(4), Reals(), Reals(4), Reals(4)]),
        new Builder { Opset = 17 }.Node("DequantizeLinear", [Reals(2, 3), Reals(3), Reals(3)]),
        Fused("DequantizeLinear", [Reals(2, 3), Reals(), Reals()]),
    ];

    /// <summary>Two tensors made a sequence, changed in every way there is, and one of it taken out as an optional.</summary>
    private static OperatorCase Sequences()
    {
        Model model = new(17, irVersion: 8);
        Graph graph = model.Graph;
        Dictionary<string, OnnxTensor> fed = new() { ["a"] = Reals(2, 3), ["b"] = Build.Normal(1, 1, 2, 3) };
        Value a = graph.AddInput("a", OnnxType.Of(fed["a"])), b = graph.AddInput("b", OnnxType.Of(fed["b"]));
        Graph body = graph.NewBody("square");
        Value item = body.AddInput("item", new OnnxType.Tensor(ElementType.Float32, null)), square = body.Apply("Mul", [item, item]);
        square.Type = new OnnxType.Tensor(ElementType.Float32, null);
        body.AddOutput(square);
        Value sequence = graph.Apply("SequenceConstruct", [a, b]);
        sequence = graph.Apply("SequenceMap", [sequence], ("body", body));
        sequence = graph.Apply("SequenceInsert", [sequence, graph.Apply("Add", [a, b])]);
        sequence = graph.Apply("SequenceErase", [sequence, graph.AddInitializer("first", OnnxTensor.Scalar(0L))]);
        Value joined = graph.Apply("ConcatFromSequence", [sequence], ("axis", 0L));
        Value split = graph.Apply("SplitToSequence", [joined, graph.AddInitializer("two", OnnxTensor.Scalar(2L))], ("axis", 0L));
        Value last = graph.Apply("SequenceAt", [split, graph.AddInitializer("last", OnnxTensor.Scalar(-1L))]);
        Value result = graph.Apply("OptionalGetElement", [graph.Apply("Optional", [graph.Apply("Add", [last, graph.Apply("SequenceAt", [split, graph.AddInitializer("zero", OnnxTensor.Scalar(0L))])])])]);
        result.Type = new OnnxType.Tensor(ElementType.Float32, null);
        graph.AddOutput(result);
        return new("sequences", model, fed);
    }

    private static OperatorCase InIf(OperatorCase bare) => new($"{bare.Name} in If", Wrapping.InIf(bare.Model), bare.Inputs);

    private static OperatorCase Fused(string opType, OnnxTensor?[] inputs, int outputs = 1, params (string Name, NodeAttribute Value)[] attributes) =>
        new Builder { Opset = 17, Domain = Microsoft }.Node(opType, inputs, outputs, attributes);

    private static OnnxTensor Reals(params long[] shape) => Build.Normal(20260101 + shape.Length, 1, shape);

    private static OnnxTensor Squares(params long[] shape) => OnnxTensor.Create(shape, Array.ConvertAll(Reals(shape).ToFloats(), x => x * x + 0.5f));

    private static OnnxTensor Ids(params long[] shape) => OnnxTensor.Create(shape, [.. Enumerable.Range(0, (int)OnnxTensor.ElementCount(shape)).Select(i => i * 7 % 4)]);

    private static OnnxTensor Ids64(params long[] shape) => OnnxTensor.Create(shape, Array.ConvertAll(Ids(shape).ToInt64s(), i => i));

    /// <summary>All shown but the last of the second row.</summary>
    private static OnnxTensor Ones(params long[] shape) => OnnxTensor.Create(shape, [.. Enumerable.Range(0, (int)OnnxTensor.ElementCount(shape)).Select(i => i == OnnxTensor.ElementCount(shape) - 1 ? 0 : 1)]);

    private static OnnxTensor Lengths(params int[] lengths) => OnnxTensor.Create([lengths.Length], lengths);

    private sealed record Builder
    {
        public required long Opset { get; init; }

        public string Domain { get; init; } = "";

        public OperatorCase Node(string opType, OnnxTensor?[] inputs, int outputs = 1, params (string Name, NodeAttribute Value)[] attributes)
        {
            Model model = new(Opset, irVersion: 8);
            if (Domain.Length > 0)
                model.OpsetImports[Domain] = 1;
            Dictionary<string, OnnxTensor> fed = [];
            Value?[] values = new Value?[inputs.Length];
            for (int i = 0; i < inputs.Length; i++)
            {
                if (inputs[i] is not { } tensor)
                    continue;
                values[i] = model.Graph.AddInput($"x{i}", OnnxType.Of(tensor));
                fed[values[i]!.Name] = tensor;
            }
            Node node = model.Graph.AddNode(opType, values, [.. Enumerable.Range(0, outputs).Select(i => Left(opType, i) ? "" : $"y{i}")],
                attributes.Select(a => new KeyValuePair<string, NodeAttribute>(a.Name, a.Value)), Domain);
            foreach (Value? output in node.Outputs)
            {
                if (output is null)
                    continue;
                output.Type = new OnnxType.Tensor(opType == "EmbedLayerNormalization" && output.Name == "y1" ? ElementType.Int32 : ElementType.Float32, null);
                model.Graph.AddOutput(output);
            }
            string name = $"{opType} {string.Join(' ', inputs.Select(t => t is null ? "-" : $"[{string.Join(',', t.Shape)}]"))} {string.Join(' ', attributes.Select(a => a.Name))}";
            return new(name.TrimEnd(), model, fed);
        }

        /// <summary>What ONNX Runtime's processor for CPUs does not give.</summary>
        private static bool Left(string opType, int output) => opType.StartsWith("Skip", StringComparison.Ordinal) && output is 1 or 2;
    }
}
