using Tersor.Onnx;

namespace Tersor.Training.Weights;

/// <summary>A batch normalization behind a convolution into which one was folded: it is there for the time of training from random weights, and folded in again when the weights are written.</summary>
/// <remarks>Deep networks whose normalizations were folded hardly train from scratch without. Source: Ioffe and Szegedy 2015, arXiv:1502.03167, algorithm 2 for folding.</remarks>
internal sealed record RestoredNormalization
{
    private const float Epsilon = 1e-5f, Momentum = 0.9f;

    /// <summary>Weight and bias of the convolution, in the model that is written.</summary>
    public required Value Weight { get; init; }

    /// <inheritdoc cref="Weight"/>
    public required Value Bias { get; init; }

    /// <summary>Scale, offset, mean and variance, in the graph that runs.</summary>
    public required Value[] Constants { get; init; }

    /// <summary>Puts one behind every convolution that looks as if it had one: its weight and bias are its own, and an activation, an addition or another convolution follows.</summary>
    /// <param name="running">The graph that runs; changed.</param>
    /// <param name="chosen">What is trained.</param>
    /// <param name="copies">Constants of the model that is written, and those of <paramref name="running"/>.</param>
    public static IReadOnlyList<RestoredNormalization> Insert(Model running, IReadOnlyList<ChosenWeight> chosen, IReadOnlyDictionary<Value, Value> copies)
    {
        Dictionary<Value, Value> originals = new(ReferenceEqualityComparer.Instance);
        foreach (ChosenWeight weight in chosen.Where(c => c.Value.Constraints.Count == 0))
            originals[copies[weight.Value]] = weight.Value;
        List<RestoredNormalization> restored = [];
        foreach (Node conv in running.AllNodes().Where(n => n.Is("Conv")).ToArray())
        {
            if (conv.Input(1) is { Uses.Count: 1 } weight && conv.Input(2) is { Uses.Count: 1 } bias && originals.TryGetValue(weight, out Value? target) && originals.TryGetValue(bias, out Value? targetBias)
                && conv.Output(0) is { IsGraphOutput: false } output && LooksFolded(conv, output))
            {
                restored.Add(new() { Weight = target, Bias = targetBias, Constants = Insert(conv, output, (int)weight.Tensor!.Shape[0]) });
            }
        }
        return restored;
    }

    /// <summary>Weight and bias with the normalization folded in; owned by the current scope.</summary>
    /// <param name="weight">[out channels, ...].</param>
    /// <param name="scale">One number a channel, like the next three.</param>
    /// <param name="offset">Added after scaling.</param>
    /// <param name="mean">Running mean.</param>
    /// <param name="variance">Running variance.</param>
    public static (Tensor Weight, Tensor Bias) Fold(Tensor weight, Tensor scale, Tensor offset, Tensor mean, Tensor variance)
    {
        Tensor factor = scale / (variance + Epsilon).sqrt();
        long[] perChannel = [-1, .. Enumerable.Repeat(1L, (int)weight.ndim - 1)];
        return (weight * factor.reshape(perChannel), offset - mean * factor);
    }

    private static Value[] Insert(Node conv, Value output, int channels)
    {
        Graph graph = conv.Graph;
        Value[] constants = [.. new[] { ("scale", 1f), ("offset", 0f), ("mean", 0f), ("variance", 1f) }.Select(c => graph.AddInitializer($"{output.Name}/{c.Item1}", OnnxTensor.Create([channels], Enumerable.Repeat(c.Item2, channels).ToArray())))];
        conv.SetInput(2, null);
        Node normalization = graph.InsertBefore(conv.Next, "BatchNormalization", [output, .. constants], [$"{output.Name}/normalized"],
            [new("epsilon", Epsilon), new("momentum", Momentum)]);
        output.ReplaceAllUsesWith(normalization.Outputs[0]!, except: normalization);
        return constants;
    }

    private static bool LooksFolded(Node conv, Value output) => !IsPooled(conv.Input(0), depth: 0) && output.Uses.Count > 0
        && output.Uses.All(u => u.Node.Is("Relu", "LeakyRelu", "PRelu", "Clip", "Elu", "Celu", "Selu", "Gelu", "Mish", "HardSwish", "HardSigmoid", "Sigmoid", "Swish", "Mul", "Add", "Conv"));

    /// <summary>Inside squeeze-and-excitation pictures are single numbers: nothing there was normalized by a batch.</summary>
    private static bool IsPooled(Value? value, int depth) => depth < 8 && value?.Producer is { } node
        && (node.Is("GlobalAveragePool", "ReduceMean") || node.Is("Conv", "Relu", "HardSwish", "Clip", "Sigmoid", "HardSigmoid") && IsPooled(node.Input(0), depth + 1));
}
