using Tersor.Compression.Quantization;
using Tersor.Onnx;
using Tersor.Runtime;
using Tersor.Testing;

namespace Tersor.Compression.Tests.Quantization;

public sealed class RecurrentWeightsTests
{
    private const int Steps = 7, Batch = 2, Width = 12, Hidden = 20;

    /// <summary>All three outputs of an LSTM, with a bias; the gates of one direction differ much in size, so that a shared scale would show.</summary>
    private static Model Lstm(int directions, params (string Name, NodeAttribute Value)[] attributes)
    {
        Model model = new(17, irVersion: 8);
        Graph g = model.Graph;
        Value x = g.AddInput("x", OnnxType.Of(ElementType.Float32, Steps, Batch, Width));
        Node lstm = g.AddNode("LSTM", [x, Weight("w", 1, Width), Weight("r", 2, Hidden), g.AddInitializer("b", Build.Normal(3, 0.1, directions, 8 * Hidden))], ["y", "h", "c"],
            attributes.Append(("hidden_size", (long)Hidden)).Append(("direction", directions == 2 ? "bidirectional" : "forward")).Select(a => new KeyValuePair<string, NodeAttribute>(a.Item1, a.Item2)), name: "lstm");
        foreach (Value output in lstm.Outputs.OfType<Value>())
        {
            output.Type = new OnnxType.Tensor(ElementType.Float32, null);
            g.AddOutput(output);
        }
        return model;

        Value Weight(string name, int seed, int depth)
        {
            float[] values = Build.Normal(seed, 0.3, directions, 4 * Hidden, depth).ToFloats();
            for (int i = 0; i < values.Length; i++)
                values[i] *= i / depth % 4 == 0 ? 0.02f : 1;
            return g.AddInitializer(name, Tensor.Create([directions, 4 * Hidden, depth], values));
        }
    }

    [Theory]
    [InlineData(1, 127), InlineData(2, 127), InlineData(2, 63)]
    public void An_LSTM_keeps_its_outputs_names_and_values(int directions, int limit)
    {
        Model model = Lstm(directions);
        IReadOnlyDictionary<string, Tensor> expected = Run(model);
        PassReport report = new QuantizeDynamicPass(new() { MinElements = 100, WeightLimit = limit }).Run(model, PassContext.None);
        Assert.Single(report.Changes);
        Assert.Single(model.AllNodes(), n => n.OpType == "DynamicQuantizeLSTM");
        Assert.All(model.Graph.Initializers.Where(v => v.Tensor!.Type == ElementType.Int8 && v.Tensor.Rank == 3), v => Assert.InRange(v.Tensor!.Span<sbyte>().ToArray().Max(q => Math.Abs((int)q)), limit, limit));
        IReadOnlyDictionary<string, Tensor> actual = Run(model);
        foreach ((string name, Tensor tensor) in expected)
            Assert.True(tensor.ToFloats().Zip(actual[name].ToFloats()).Max(p => Math.Abs(p.First - p.Second)) < 0.03, name);
    }

    [Theory]
    [InlineData(100, true, "only an operator of ONNX Runtime's own")]
    [InlineData(100_000, false, "fewer than 100000")]
    public void An_LSTM_that_stays_float_says_why(long minElements, bool standardOnly, string reason)
    {
        Model model = Lstm(1);
        byte[] before = model.ToBytes();
        PassReport report = new QuantizeDynamicPass(new() { MinElements = minElements, StandardOperatorsOnly = standardOnly }).Run(model, PassContext.None);
        Assert.Contains(reason, Assert.Single(report.Skipped).Reason);
        Assert.Equal(before, model.ToBytes());
    }

    [Fact]
    public void An_LSTM_that_clips_its_cells_stays_float() =>
        Assert.Contains("clips", Assert.Single(new QuantizeDynamicPass(new() { MinElements = 100 }).Run(Lstm(1, ("clip", 0.5f)), PassContext.None).Skipped).Reason);

    [Fact]
    public void A_product_takes_the_scales_it_is_given()
    {
        Model model = Build.Model([3, 8], (g, x) => g.Apply("MatMul", [x, g.AddInitializer("w", Build.Normal(4, 0.3, 8, 5))]));
        new QuantizeDynamicPass(new() { MinElements = 0, ScalesOf = _ => [0.01f] }).Run(model, PassContext.None);
        Assert.Contains(model.Graph.Initializers, v => v.Tensor!.ToFloats() is { Length: 5 } scales && scales.All(s => s == 0.01f));
    }

    private static IReadOnlyDictionary<string, Tensor> Run(Model model)
    {
        using ModelSession session = new(model);
        return session.Run(new Dictionary<string, Tensor> { ["x"] = Build.Normal(5, 1, Steps, Batch, Width) });
    }
}
