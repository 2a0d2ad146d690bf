using Tersor.Data;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Pipeline.Tests.Quantization;

/// <summary>A convolutional network beside an embedding whose table loses everything in 8 bits: what tells its rows apart is small beside a value that all of them have, and that nothing reads.</summary>
internal static class LookUp
{
    private const int Rows = 64, Columns = 32;

    /// <summary>Only the embedding and a product behind it.</summary>
    public static Model Alone(float common = 1000) => Build.Model([1, 4], (g, x) => Looked(g, x, common));

    /// <summary>Beside three convolutions, whose input is the second.</summary>
    public static Model BesideConvolutions() => Build.Model([1, 4], (g, x) =>
    {
        Value picture = g.AddInput("picture", OnnxType.Of(ElementType.Float32, 1, 10, 16, 16));
        Value deep = g.Conv(g.Apply("Relu", [g.Conv(g.Apply("Relu", [g.Conv(picture, 1, 10, 64)]), 2, 64, 64)]), 3, 64, 64);
        deep.Type = new OnnxType.Tensor(ElementType.Float32, null);
        g.AddOutput(deep);
        return Looked(g, x, 1000);
    });

    /// <summary>Rows picked by what is fed, as whole numbers, and pictures for those models that take them.</summary>
    public static IDataSet Data(int count, bool pictures = false) => new InMemoryDataSet("rows", [.. Enumerable.Range(0, count).Select(i => new Sample($"{i}", [Inputs(i, pictures)], new Dictionary<string, Tensor>()))]);

    private static Dictionary<string, Tensor> Inputs(int i, bool pictures)
    {
        Dictionary<string, Tensor> inputs = new() { ["x"] = Tensor.Create([1, 4], [.. Enumerable.Range(0, 4).Select(k => (float)((7 * i + 13 * k) % Rows))]) };
        if (pictures)
            inputs["picture"] = Build.Normal(i, 1, 1, 10, 16, 16);
        return inputs;
    }

    private static Value Looked(Graph g, Value x, float common)
    {
        float[] table = Build.Normal(4, 1, Rows, Columns).ToFloats();
        for (int row = 0; row < Rows; row++)
            table[row * Columns] = common;
        Value rows = g.Apply("Gather", [g.AddInitializer("table", Tensor.Create([Rows, Columns], table)), g.Apply("Cast", [x], ("to", (long)ElementType.Int64))]);
        Value apart = g.Apply("Slice", [rows, g.AddInitializer("from", Tensor.Vector(1L)), g.AddInitializer("to", Tensor.Vector((long)Columns)), g.AddInitializer("axis", Tensor.Vector(2L))]);
        return g.Apply("MatMul", [apart, g.AddInitializer("product", Build.Normal(5, 0.3, Columns - 1, 64))]);
    }
}
