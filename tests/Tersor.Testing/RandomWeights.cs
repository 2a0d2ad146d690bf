using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Testing;

/// <summary>Gives a model whose weights are all ConstantOfShape the weights of an untrained network, so that running it shows something.</summary>
public static class RandomWeights
{
    /// <summary>Replaces every ConstantOfShape of a constant shape by a seeded random initializer that fits its reader: He-scaled layer weights, small biases, plausible statistics of normalizations.</summary>
    /// <remarks>Source of the scale: He et al. 2015, arXiv:1502.01852, section 2.2.</remarks>
    /// <returns>How many were replaced.</returns>
    public static int Fill(Model model, int seed)
    {
        int count = 0;
        model.IrVersion = Math.Max(model.IrVersion, 4);
        foreach (Value listed in model.Graph.Inputs.Where(v => v.IsInitializer).ToArray())
            model.Graph.RemoveInput(listed);
        foreach (Node node in model.Graph.Nodes.Where(n => n.Is("ConstantOfShape")).ToArray())
        {
            if (node.Input(0)?.Constant is not { } shape || node.Outputs[0]!.Uses.Count == 0)
                continue;
            Value old = node.Outputs[0]!;
            Value weight = model.Graph.AddInitializer(old.Name, Draw(old, shape.ToInt64s(), new Random(seed + count++)));
            old.ReplaceAllUsesWith(weight);
            node.Remove();
        }
        ScaleLogits(model, seed);
        return count;
    }

    /// <summary>Scales the last layer so that what goes into the closing Softmax has a standard deviation of about 1: a saturated Softmax would give the same output for every input.</summary>
    private static void ScaleLogits(Model model, int seed)
    {
        Model copy = model.Clone();
        if (copy.Graph.Outputs[0].Producer is not { } softmax || !softmax.Is("Softmax"))
            return;
        string output = softmax.Input(0)!.Name;
        copy.Graph.AddOutput(softmax.Input(0)!);
        Dictionary<string, Tensor> sample = copy.Graph.Inputs.ToDictionary(v => v.Name, v => Build.Normal(seed, 1, v.Type!.AsTensor!.FixedShape!));
        using ModelSession session = new(copy);
        float[] logits = session.Run(sample)[output].ToFloats();
        double mean = logits.Average(v => (double)v), deviation = Math.Sqrt(logits.Average(v => (v - mean) * (v - mean)));
        Node? layer = model.Graph.Outputs[0].Producer;
        while (layer is not null && !layer.Is("Gemm", "Conv", "MatMul"))
            layer = layer.Input(0)?.Producer;
        foreach (Value parameter in layer?.Inputs.Skip(1).OfType<Value>().Where(v => v.IsInitializer) ?? [])
            parameter.SetTensor(Tensor.Create(parameter.Tensor!.Shape.AsSpan(), [.. parameter.Tensor.ToFloats().Select(v => (float)(v / deviation))]));
    }

    private static Tensor Draw(Value value, long[] shape, Random random)
    {
        Use use = Reader(value);
        (double mean, double deviation) = (use.Node.OpType, use.Index) switch
        {
            ("Conv", 1) => (0, Math.Sqrt(2.0 / Tensor.ElementCount(shape.AsSpan(1)))),
            ("Gemm" or "MatMul", 1) => (0, Math.Sqrt(2.0 / shape[use.Node.Int("transB", 0) == 1 ? 1 : 0])),
            ("BatchNormalization", 1) or ("Mul", _) => (1, 0.1),
            _ => (0.0, 0.1),
        };
        bool variance = use.Node.Is("BatchNormalization") && use.Index == 4;
        float[] values = new float[Tensor.ElementCount(shape)];
        for (int i = 0; i < values.Length; i++)
        {
            double normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
            values[i] = variance ? 0.5f + random.NextSingle() : (float)(mean + deviation * normal);
        }
        return Tensor.Create(shape, values);
    }

    /// <summary>Who reads the weight, behind operators that only change its shape.</summary>
    private static Use Reader(Value value)
    {
        Use use = value.Uses[0];
        while (use.Node.Is("Unsqueeze", "Squeeze", "Reshape") && use.Node.Outputs[0]!.Uses.Count > 0)
            use = use.Node.Outputs[0]!.Uses[0];
        return use;
    }
}
