using Tersor.Compression.Training;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Training.Tests.Distillation;

/// <summary>A teacher and a student for small images of noise; their second convolution's value is called "hidden".</summary>
internal static class Images
{
    /// <summary>Training on 32 images.</summary>
    public static TrainingJob Job { get; } = new(Convolutions(4, 5), SmallData.Of(32, "x", random => (OnnxTensor.Create([1, 1, 8, 8], Pixels(random)), OnnxTensor.Create([1], new[] { random.NextInt64(3) }))), Nets.Short with { Epochs = 20 })
    {
        Teachers = [Convolutions(8, 1)],
    };

    private static Model Convolutions(int width, int seed) => Build.Model(["N", 1, 8, 8], (graph, x) =>
    {
        Value hidden = graph.Conv(graph.Apply("Relu", [graph.Conv(x, seed, 1, width)]), seed + 1, width, width);
        hidden.Rename("hidden");
        Value pooled = graph.Apply("Flatten", [graph.Apply("GlobalAveragePool", [graph.Apply("Relu", [hidden])])]);
        return graph.Apply("MatMul", [pooled, graph.AddInitializer("v", Build.Normal(seed + 2, 0.5, width, 3))]);
    });

    private static float[] Pixels(Random random) => [.. Enumerable.Range(0, 64).Select(_ => random.NextSingle() - 0.5f)];
}
