using Tersor.Onnx;

namespace Tersor.Testing;

/// <summary>Two LSTM layers of 512 over 64 steps of 128 features, and a layer on the last step. Source: Hochreiter and Schmidhuber 1997, Neural Computation 9(8).</summary>
internal sealed class LongShortTermMemory(Graph graph, NormalNumbers numbers) : Network(graph, numbers)
{
    public const int Steps = 64, Features = 128, Classes = 256;

    private const int Hidden = 512;

    public Value Build(Value x)
    {
        x = Layer(Layer(Transpose(x, 1, 0, 2), Features), Hidden);
        Value last = Node("Gather", [x, Constant("constant", Tensor.Scalar(-1L))], ("axis", 0L));
        return Gemm(last, Hidden, Classes, Math.Sqrt(1.0 / (3 * Hidden)));
    }

    private Value Layer(Value x, int inputs)
    {
        Value state = Constant("state", Tensor.Create([1, 1, Hidden], new float[Hidden])), cell = Constant("cell", Tensor.Create([1, 1, Hidden], new float[Hidden]));
        Value[] weights = [Weight("W", 1, 4 * Hidden, inputs), Weight("R", 1, 4 * Hidden, Hidden), Weight("B", 1, 8 * Hidden)];
        return Node("Squeeze", [Node("LSTM", [x, .. weights, null, state, cell], ("hidden_size", (long)Hidden)), Integers(1)]);

        Value Weight(string name, params long[] shape) =>
            Constant(name, Tensor.Create(shape, Numbers.Uniforms(Tensor.ElementCount(shape), -1 / Math.Sqrt(Hidden), 1 / Math.Sqrt(Hidden))));
    }
}
