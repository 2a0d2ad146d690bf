using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Training.Tests.Distillation;

/// <summary>Small teachers and students for points in the plane.</summary>
internal static class Nets
{
    /// <summary>Settings for a short training of something small.</summary>
    public static TrainingSettings Short { get; } = new() { Epochs = 4, BatchSize = 16, LearningRate = 0.01, WeightDecay = 0 };

    /// <summary>Two matrices with a rectifier between them, whose value is called "hidden".</summary>
    /// <param name="width">Of the layer between.</param>
    /// <param name="outputs">How many numbers come out.</param>
    /// <param name="seed">Of the weights.</param>
    /// <param name="closing">The operator at the end; null: none.</param>
    public static Model Dense(int width, int outputs = 2, int seed = 1, string? closing = null) => Build.Model(["N", 2], (graph, x) =>
    {
        Value hidden = graph.Apply("Relu", [Layer(graph, x, 2, width, seed)]);
        hidden.Rename("hidden");
        Value end = Layer(graph, hidden, width, outputs, seed + 1);
        return closing is null ? end : graph.Apply(closing, [end]);
    });

    /// <summary>Points with noise, without labels.</summary>
    public static IDataSet Unlabelled(int count, int seed = 1)
    {
        IDataSet points = SmallData.Quadrants(count, seed);
        return new InMemoryDataSet("points", [.. Enumerable.Range(0, count).Select(i => points.Read(i) with { Labels = new Dictionary<string, OnnxTensor>() })]);
    }

    /// <summary>A model that tells the quadrants apart.</summary>
    public static Model Trained(int width, int seed = 1) =>
        new Trainer(new(Dense(width, seed: seed), SmallData.Quadrants(256), Short with { Epochs = 40 })).Run().Model;

    public static byte[] Bytes(this TrainingResult result) => result.Model.ToBytes();

    private static Value Layer(Graph graph, Value x, int from, int to, int seed) =>
        graph.Apply("Gemm", [x, graph.AddInitializer("w", Build.Normal(seed, Math.Sqrt(2.0 / from), from, to)), graph.AddInitializer("b", Build.Normal(seed + 100, 0.1, to))]);
}
