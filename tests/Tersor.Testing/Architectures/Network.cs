using Tersor.Onnx;

namespace Tersor.Testing;

/// <summary>Writes a network's nodes and seeded weights as an export from PyTorch has them (operator set 13).</summary>
internal abstract class Network(Graph graph, NormalNumbers numbers)
{
    /// <summary>Source of the weights. Everything is drawn from it in the order of the nodes.</summary>
    public NormalNumbers Numbers => numbers;

    /// <summary>A node with one output, named by its operator.</summary>
    public Value Node(string opType, Value?[] inputs, params (string Name, NodeAttribute Value)[] attributes) => Nodes(opType, 1, inputs, attributes)[0];

    /// <summary>A node with several outputs.</summary>
    public Value[] Nodes(string opType, int outputs, Value?[] inputs, params (string Name, NodeAttribute Value)[] attributes) =>
        [.. graph.AddNode(opType, inputs, [.. Enumerable.Repeat($"{opType}_output", outputs)], attributes.Select(a => new KeyValuePair<string, NodeAttribute>(a.Name, a.Value)), name: graph.Model.NewName(opType)).Outputs.OfType<Value>()];

    /// <summary>Weights or other constants.</summary>
    public Value Constant(string name, Tensor tensor) => graph.AddInitializer(name, tensor);

    /// <summary>A number.</summary>
    public Value Scalar(double value) => Constant("constant", Tensor.Scalar((float)value));

    /// <summary>A list of integers: a shape, axes, places.</summary>
    public Value Integers(params long[] values) => Constant("constant", Tensor.Vector(values));

    /// <summary>Weights drawn from a normal distribution.</summary>
    public Value Normal(string name, double deviation, params long[] shape) => Constant(name, Tensor.Create(shape, numbers.Normals(Tensor.ElementCount(shape), deviation)));

    /// <summary>The same elements under another shape.</summary>
    public Value Reshape(Value x, params long[] shape) => Node("Reshape", [x, Integers(shape)]);

    /// <summary>The axes in another order.</summary>
    public Value Transpose(Value x, params long[] order) => Node("Transpose", [x], ("perm", order));

    /// <summary>A fully connected layer on [batch, inputs], as Gemm.</summary>
    /// <param name="x">[batch, <paramref name="inputs"/>].</param>
    /// <param name="inputs">Features read.</param>
    /// <param name="outputs">Features given.</param>
    /// <param name="deviation">Standard deviation of the weights.</param>
    public Value Gemm(Value x, int inputs, int outputs, double deviation)
    {
        Value weight = Normal("weight", deviation, outputs, inputs), bias = Normal("bias", 0.01, outputs);
        return Node("Gemm", [x, weight, bias], ("alpha", 1f), ("beta", 1f), ("transB", 1L));
    }
}
