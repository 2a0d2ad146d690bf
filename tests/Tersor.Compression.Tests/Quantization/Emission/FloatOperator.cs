using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Compression.Tests.Quantization;

/// <summary>Nodes as they may stand between 8-bit neighbours, one for each pattern that the engine fuses, with relatives: behind an activation, by way of copies, with weights stored as integers.</summary>
internal static class FloatOperator
{
    /// <summary>By name: writes the nodes; reads two values of [1, 16, 8, 8] and gives one with 16 channels.</summary>
    public static IReadOnlyDictionary<string, Func<Graph, Value, Value, Value>> All { get; } = new OrderedDictionary<string, Func<Graph, Value, Value, Value>>
    {
        ["Conv"] = (g, a, b) => Uneven(g.Conv(a, 31, 16, 16)),
        ["Conv, Relu"] = (g, a, b) => g.Apply("Relu", [Uneven(g.Conv(a, 31, 16, 16))]),
        ["Conv, Clip"] = (g, a, b) => g.Apply("Clip", [Uneven(g.Conv(a, 31, 16, 16)), Number(g, -2), Number(g, 3)]),
        ["Conv, MaxPool"] = (g, a, b) => g.Apply("MaxPool", [Uneven(g.Conv(a, 31, 16, 16))], ("kernel_shape", new long[] { 2, 2 })),
        ["Conv, Transpose"] = (g, a, b) => g.Apply("Transpose", [Uneven(g.Conv(a, 31, 16, 16))], ("perm", new long[] { 0, 1, 3, 2 })),
        ["Conv, Mul with a number"] = (g, a, b) => g.Apply("Mul", [Uneven(g.Conv(a, 31, 16, 16)), Number(g, -2)]),
        ["Conv, BatchNormalization"] = (g, a, b) => g.Apply("BatchNormalization", [Uneven(g.Conv(a, 31, 16, 16)), Row(g, 1), Row(g, 2), Row(g, 3), g.AddInitializer("v", Tensor.Create([16], [.. Enumerable.Repeat(1.5f, 16)]))]),
        ["Conv behind MaxPool"] = (g, a, b) => Uneven(g.Conv(g.Apply("MaxPool", [a], ("kernel_shape", new long[] { 2, 2 })), 31, 16, 16)),
        ["Conv, depthwise"] = (g, a, b) => Uneven(g.Conv(a, 31, 16, 16, group: 16)),
        ["Conv whose shape is asked for"] = (g, a, b) =>
        {
            Value result = Uneven(g.Conv(a, 31, 16, 16));
            return g.Apply("Reshape", [result, g.Apply("Shape", [result])]);
        },
        ["Conv with a float reader too"] = (g, a, b) =>
        {
            Value result = Uneven(g.Conv(a, 31, 16, 16)), side = g.Apply("Tanh", [result]);
            side.Type = new OnnxType.Tensor(ElementType.Float32, null);
            g.AddOutput(side);
            return result;
        },
        ["ConvTranspose"] = (g, a, b) => Uneven(g.Apply("ConvTranspose", [a, g.AddInitializer("w", Build.Normal(31, 0.1, 16, 16, 2, 2)), Row(g, 1)])),
        ["Gemm"] = (g, a, b) => Image(g, g.Apply("Gemm", [Matrix(g, a), g.AddInitializer("w", Build.Normal(31, 0.1, 64, 64)), g.AddInitializer("c", Build.Normal(5, 1, 64))])),
        ["MatMul, Add"] = (g, a, b) => g.Apply("Add", [g.Apply("MatMul", [a, g.AddInitializer("w", Build.Normal(31, 0.3, 8, 8))]), g.AddInitializer("c", Build.Normal(5, 1, 8))]),
        ["MatMul"] = (g, a, b) => g.Apply("MatMul", [a, g.AddInitializer("w", Build.Normal(31, 0.3, 8, 8))]),
        ["MatMul of two values"] = (g, a, b) => g.Apply("MatMul", [a, b]),
        ["Add"] = (g, a, b) => g.Apply("Add", [a, b]),
        ["Mul"] = (g, a, b) => g.Apply("Mul", [a, b]),
        ["Where"] = (g, a, b) => g.Apply("Where", [Mask(g), a, b]),
        ["Where with a number"] = (g, a, b) => g.Apply("Where", [Mask(g), a, Number(g, -1)]),
        ["Concat"] = (g, a, b) => g.Apply("Concat", [a, b], ("axis", 2L)),
        ["Sigmoid"] = (g, a, b) => g.Apply("Sigmoid", [a]),
        ["LeakyRelu"] = (g, a, b) => g.Apply("LeakyRelu", [a]),
        ["Softmax over the last axis"] = (g, a, b) => g.Apply("Softmax", [a], ("axis", -1L)),
        ["Softmax over the channels"] = (g, a, b) => g.Apply("Softmax", [a], ("axis", 1L)),
        ["AveragePool"] = (g, a, b) => g.Apply("AveragePool", [a], ("kernel_shape", new long[] { 2, 2 })),
        ["GlobalAveragePool"] = (g, a, b) => g.Apply("GlobalAveragePool", [a]),
    };

    /// <summary>Names for test data.</summary>
    public static IEnumerable<string> Names => All.Keys;

    /// <summary>Makes the weights of one output channel fifty times as large: one scale for all channels would leave nothing of the others.</summary>
    private static Value Uneven(Value result)
    {
        Node node = result.Producer!;
        Value weight = node.Inputs[1]!;
        float[] values = weight.Tensor!.ToFloats();
        long inner = weight.Tensor.Length / weight.Tensor.Shape[0];
        bool channelsFirst = node.Is("Conv");
        for (int i = 0; i < values.Length; i++)
        {
            if (channelsFirst ? i / inner == 0 : i / (inner / 16) % 16 == 0)
                values[i] *= 50;
        }
        weight.SetTensor(Tensor.Create(weight.Tensor.Shape.AsSpan(), values));
        return result;
    }

    private static Value Number(Graph g, float value) => g.AddInitializer("n", Tensor.Scalar(value));

    private static Value Row(Graph g, int seed) => g.AddInitializer("r", Build.Normal(seed, 1, 16));

    private static Value Mask(Graph g) => g.AddInitializer("m", Tensor.Create([8], new[] { true, false, true, true, false, true, true, false }));

    private static Value Matrix(Graph g, Value x) => g.Apply("Reshape", [x, g.AddInitializer("s", Tensor.Vector([16L, 64L]))]);

    private static Value Image(Graph g, Value x) => g.Apply("Reshape", [x, g.AddInitializer("s", Tensor.Vector([1L, 16L, 8L, 8L]))]);
}
