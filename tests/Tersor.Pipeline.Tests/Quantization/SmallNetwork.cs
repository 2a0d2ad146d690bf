using Tersor.Data;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Pipeline.Tests.Quantization;

/// <summary>A network small enough to search in a second, and noise to feed it.</summary>
internal static class SmallNetwork
{
    public static Model Model(double spread = 1) => Build.Model([1, 16, 8, 8], (g, x) =>
    {
        Value a = g.Apply("Relu", [g.Conv(x, 1, 16, 32)]);
        Value b = g.Apply("Relu", [g.Conv(a, 2, 32, 32)]);
        Value flat = g.Apply("Flatten", [g.Apply("GlobalAveragePool", [g.Conv(b, 3, 32, 64)])]);
        return g.Apply("MatMul", [flat, g.AddInitializer("fc", Build.Normal(9, 0.2 * spread, 64, 10))]);
    });

    public sealed class Noise(int count) : IDataSet
    {
        public string Name => "noise";

        public int Count => count;

        public IReadOnlyDictionary<string, string> Feedback { get; } = new Dictionary<string, string>();

        public Sample Read(int index) => new($"{index}", [new Dictionary<string, Tensor> { ["x"] = Build.Normal(index, 1, 1, 16, 8, 8) }], new Dictionary<string, Tensor>());
    }
}
