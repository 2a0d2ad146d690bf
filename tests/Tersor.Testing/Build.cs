using Tersor.Onnx;

namespace Tersor.Testing;

/// <summary>Small models for tests, with seeded weights.</summary>
public static class Build
{
    /// <summary>Seeded normal numbers.</summary>
    public static Tensor Normal(int seed, double deviation, params long[] shape)
    {
        Random random = new(seed);
        float[] values = new float[Tensor.ElementCount(shape)];
        for (int i = 0; i < values.Length; i++)
            values[i] = (float)(deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        return Tensor.Create(shape, values);
    }

    /// <summary>A node with one output.</summary>
    public static Value Apply(this Graph graph, string opType, Value?[] inputs, params (string Name, NodeAttribute Value)[] attributes) =>
        graph.AddNode(opType, inputs, [opType.ToLowerInvariant()], attributes.Select(a => new KeyValuePair<string, NodeAttribute>(a.Name, a.Value))).Outputs[0]!;

    /// <summary>A convolution with He-scaled weights and a bias, same padding.</summary>
    public static Value Conv(this Graph graph, Value input, int seed, int from, int to, int kernel = 3, int group = 1)
    {
        Value weight = graph.AddInitializer("w", Normal(seed, Math.Sqrt(2.0 / (from / group * kernel * kernel)), to, from / group, kernel, kernel));
        Value bias = graph.AddInitializer("b", Normal(seed + 1000, 0.1, to));
        long pad = kernel / 2;
        return graph.Apply("Conv", [input, weight, bias], ("pads", new[] { pad, pad, pad, pad }), ("group", group));
    }

    /// <summary>A model with one float input and the outputs that <paramref name="body"/> gives.</summary>
    public static Model Model(Dimension[] inputShape, Func<Graph, Value, Value> body, long opset = 17)
    {
        Model model = new(opset, irVersion: 8);
        Value input = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, [.. inputShape]));
        Value output = body(model.Graph, input);
        output.Type ??= new OnnxType.Tensor(ElementType.Float32, null);
        output.Rename("y");
        model.Graph.AddOutput(output);
        return model;
    }
}
