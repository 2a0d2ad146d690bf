using Tersor.Onnx;

namespace Tersor.Testing;

/// <summary>A transformer on [1, length, width], its operators spelled out as exports have them.</summary>
internal sealed class TransformerNetwork(Graph graph, NormalNumbers numbers) : Network(graph, numbers)
{
    /// <summary>Standard deviation of the weights.</summary>
    public const double Deviation = 0.02;

    /// <summary>What normalizations add to the variance.</summary>
    public double Epsilon { get; init; } = 1e-5;

    /// <summary>A fully connected layer of the last axis: MatMul with the transposed weight, then the bias.</summary>
    public Value Linear(Value x, int inputs, int outputs)
    {
        Value product = Node("MatMul", [x, Normal("weight", Deviation, inputs, outputs)]);
        return Node("Add", [Normal("bias", Deviation, outputs), product]);
    }

    /// <summary>Normalization over the last axis. One channel in a hundred has a large scale, as in trained transformers.</summary>
    /// <remarks>Source of the outliers: Dettmers et al. 2022, arXiv:2208.07339, section 4; Wei et al. 2022, arXiv:2209.13325, section 3.</remarks>
    public Value LayerNorm(Value x, int width)
    {
        float[] gamma = Numbers.Normals(width, 0.1, mean: 1), beta = Numbers.Normals(width, 0.1);
        for (int i = 0; i < width / 100; i++)
            gamma[(int)(width * Numbers.Uniform())] = (float)(2 + 3 * Numbers.Uniform());
        Value centered = Node("Sub", [x, Mean(x)]);
        Value variance = Mean(Node("Pow", [centered, Scalar(2)]));
        Value normal = Node("Div", [centered, Node("Sqrt", [Node("Add", [variance, Scalar(Epsilon)])])]);
        return Node("Add", [Node("Mul", [normal, Constant("gamma", Tensor.Vector(gamma))]), Constant("beta", Tensor.Vector(beta))]);

        Value Mean(Value y) => Node("ReduceMean", [y], ("axes", new[] { -1L }));
    }

    /// <summary>x · Φ(x) by the error function.</summary>
    public Value Gelu(Value x)
    {
        Value grown = Node("Add", [Node("Erf", [Node("Div", [x, Scalar(Math.Sqrt(2))])]), Scalar(1)]);
        return Node("Mul", [Node("Mul", [x, grown]), Scalar(0.5)]);
    }

    /// <summary>x · Φ(x), approximated by the hyperbolic tangent.</summary>
    /// <remarks>Source: Hendrycks and Gimpel 2016, arXiv:1606.08415, section 2.</remarks>
    public Value TanhGelu(Value x)
    {
        Value cubic = Node("Mul", [Node("Pow", [x, Scalar(3)]), Scalar(0.044715)]);
        Value inner = Node("Tanh", [Node("Mul", [Node("Add", [x, cubic]), Scalar(Math.Sqrt(2 / Math.PI))])]);
        return Node("Mul", [Node("Mul", [x, Scalar(0.5)]), Node("Add", [inner, Scalar(1)])]);
    }

    /// <summary>[1, length, width] as [1, heads, length, width / heads].</summary>
    public Value Heads(Value x, int length, int heads, int width) => Transpose(Reshape(x, 1, length, heads, width / heads), 0, 2, 1, 3);

    /// <summary>Attention's weighted mean of the values, heads joined again.</summary>
    /// <param name="query">[1, heads, length, width / heads].</param>
    /// <param name="keys">Transposed: [1, heads, width / heads, length].</param>
    /// <param name="values">As the query.</param>
    /// <param name="scale">Makes scores of products.</param>
    /// <param name="length">Tokens.</param>
    /// <param name="width">Of all heads.</param>
    public Value Attend(Value query, Value keys, Value values, Func<Value, Value> scale, int length, int width)
    {
        Value weights = Node("Softmax", [scale(Node("MatMul", [query, keys]))], ("axis", -1L));
        return Reshape(Transpose(Node("MatMul", [weights, values]), 0, 2, 1, 3), 1, length, width);
    }
}
