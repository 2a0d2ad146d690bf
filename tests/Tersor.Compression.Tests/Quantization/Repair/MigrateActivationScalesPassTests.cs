using Tersor.Compression.Quantization.Repair;
using Tersor.Compression.Tests.GraphOptimization;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Runtime;
using Tersor.Testing;

namespace Tersor.Compression.Tests.Quantization.Repair;

public sealed class MigrateActivationScalesPassTests
{
    [Theory]
    [InlineData(0.0), InlineData(0.5), InlineData(0.8), InlineData(1.0)]
    public void Readers_of_one_normalization_share_the_scales_of_the_paper(double alpha)
    {
        Model model = Attention(spelledOut: false);
        Value normalized = model.Graph.Nodes.First().Outputs[0]!;
        Dictionary<Value, float[]> seen = Observe(model, new());
        float[] gamma = model.Graph.Nodes.First().Inputs[1]!.Constant!.ToFloats();
        float[][] weights = [.. model.Graph.Nodes.Where(n => n.Is("MatMul") && n.Inputs[1]!.Constant is not null).Select(n => n.Inputs[1]!.Constant!.ToFloats())];

        Model changed = Migrated(model, seen, new() { Alpha = alpha });

        float[] changedGamma = changed.Graph.Nodes.First().Inputs[1]!.Constant!.ToFloats();
        float[][] changedWeights = [.. changed.Graph.Nodes.Where(n => n.Is("MatMul") && n.Inputs[1]!.Constant is not null).Select(n => n.Inputs[1]!.Constant!.ToFloats())];
        for (int j = 0; j < 16; j++)
        {
            double largest = weights.Take(3).Max(w => Enumerable.Range(0, 8).Max(o => Math.Abs(w[j * 8 + o])));
            double s = Math.Pow(seen[normalized][j], alpha) / Math.Pow(largest, 1 - alpha);
            Assert.Equal(gamma[j] / s, changedGamma[j], Math.Abs(gamma[j] / s) * 1e-6);
            for (int layer = 0; layer < 3; layer++)
                Assert.Equal(weights[layer][j * 8] * s, changedWeights[layer][j * 8], Math.Abs(weights[layer][j * 8] * s) * 1e-6);
        }
    }

    [Theory]
    [InlineData(false), InlineData(true)]
    public void Outputs_stay_and_outlier_channels_shrink(bool spelledOut)
    {
        Model model = Attention(spelledOut);
        Model changed = Migrated(model, Observe(model, new()), new());
        Value before = model.Graph.Nodes.First(n => n.Is("MatMul")).Inputs[0]!, after = changed.Graph.Nodes.First(n => n.Is("MatMul")).Inputs[0]!;
        Assert.True(Outlier(Observe(changed, new())[after]) < 0.4 * Outlier(Observe(model, new())[before]));
    }

    [Fact]
    public void A_scalar_product_takes_scales_only_where_allowed()
    {
        Model model = Build.Model([1, 4, 8, 8], (g, x) => g.Conv(g.Apply("Add", [g.Apply("Mul", [g.Apply("HardSwish", [g.Conv(x, 1, 4, 8)]), g.AddInitializer("m", Tensor.Scalar(0.3f))]), g.AddInitializer("a", Tensor.Scalar(-0.2f))]), 2, 8, 8, group: 8));
        Dictionary<Value, float[]> seen = Observe(model, new() { Convolutions = true });
        Model narrow = model.Clone(out IReadOnlyDictionary<Value, Value> copies);
        Assert.Empty(Pass(seen, copies, new() { Convolutions = true }).Run(narrow, PassContext.None).Changes);
        Model wide = Migrated(model, seen, new() { Convolutions = true, WidenScalars = true });
        Assert.Equal([8, 1, 1], wide.Graph.Nodes.First(n => n.Is("Mul")).Inputs[1]!.Constant!.Shape);
        Assert.Equal([8, 1, 1], wide.Graph.Nodes.First(n => n.Is("Add")).Inputs[1]!.Constant!.Shape);
    }

    [Fact]
    public void An_activation_that_something_else_reads_is_left_with_the_reason()
    {
        Model model = Attention(spelledOut: false);
        Value normalized = model.Graph.Nodes.First().Outputs[0]!;
        model.Graph.AddOutput(model.Graph.Apply("Softmax", [normalized]));
        PassReport report = new MigrateActivationScalesPass(new(), _ => [.. Enumerable.Repeat(1.0, 16)]).Run(model, PassContext.None);
        Assert.Contains(report.Skipped, s => s.Reason.Contains("Softmax", StringComparison.Ordinal));
    }

    [Fact]
    public void The_share_that_moves_is_between_nothing_and_everything() =>
        Assert.Throws<CompressionException>(() => new MigrateActivationScalesPass(new() { Alpha = 1.5 }, _ => null).Run(Attention(spelledOut: false), PassContext.None));

    /// <summary>A normalization with an outlier channel, read by three products; their result goes on into a fourth.</summary>
    private static Model Attention(bool spelledOut) => Build.Model([1, 6, 16], (g, x) =>
    {
        Value gamma = g.AddInitializer("gamma", Tensor.Vector([.. Build.Normal(1, 0.2, 16).ToFloats().Select((v, i) => (1 + v) * (i == 5 ? 50 : 1))]));
        Value beta = g.AddInitializer("beta", Build.Normal(2, 0.2, 16));
        Value normalized;
        if (spelledOut)
        {
            Value centred = g.Apply("Sub", [x, g.Apply("ReduceMean", [x], ("axes", new long[] { -1 }))]);
            Value variance = g.Apply("ReduceMean", [g.Apply("Mul", [centred, centred])], ("axes", new long[] { -1 }));
            normalized = g.Apply("Add", [g.Apply("Mul", [g.Apply("Div", [centred, g.Apply("Sqrt", [g.Apply("Add", [variance, g.AddInitializer("e", Tensor.Scalar(1e-5f))])])]), gamma]), beta]);
        }
        else
        {
            normalized = g.Apply("LayerNormalization", [x, gamma, beta]);
        }
        Value[] heads = [.. Enumerable.Range(0, 3).Select(i => g.Apply("MatMul", [normalized, g.AddInitializer("w", Build.Normal(10 + i, 0.2, 16, 8))]))];
        Value scores = g.Apply("Softmax", [g.Apply("MatMul", [heads[0], g.Apply("Transpose", [heads[1]], ("perm", new long[] { 0, 2, 1 }))])]);
        return g.Apply("MatMul", [g.Apply("MatMul", [scores, heads[2]]), g.AddInitializer("w", Build.Normal(20, 0.2, 8, 16))]);
    });

    private static Model Migrated(Model model, Dictionary<Value, float[]> seen, MigrateActivationScalesOptions options)
    {
        // The check runs the pass on a copy of its own.
        MigrateActivationScalesPass pass = new(options, v => Find(v) is { } maxima ? Array.ConvertAll(maxima, m => (double)m) : null);
        (Model changed, PassReport report) = PassCheck.Run(pass, model);
        Assert.NotEmpty(report.Changes);
        return changed;

        float[]? Find(Value value) => seen.FirstOrDefault(s => s.Key.Name == value.Name).Value;
    }

    private static MigrateActivationScalesPass Pass(Dictionary<Value, float[]> seen, IReadOnlyDictionary<Value, Value> copies, MigrateActivationScalesOptions options) =>
        new(options, v => seen.Where(s => ReferenceEquals(copies[s.Key], v)).Select(s => Array.ConvertAll(s.Value, m => (double)m)).FirstOrDefault());

    private static Dictionary<Value, float[]> Observe(Model model, MigrateActivationScalesOptions options)
    {
        ChannelMaximumObserver observer = new(MigrateActivationScalesPass.Activations(model, options));
        long[] shape = [.. model.Graph.Inputs[0].Type!.AsTensor!.FixedShape!];
        Sample[] samples = [.. Enumerable.Range(0, 3).Select(i => new Sample($"{i}", [new Dictionary<string, Tensor> { ["x"] = Build.Normal(100 + i, 1, shape) }], new Dictionary<string, Tensor>()))];
        Observer.Observe(model, samples, new Dictionary<string, string>(), [observer]);
        return new(observer.Maxima);
    }

    private static double Outlier(float[] maxima) => maxima.Max() / maxima.Order().ElementAt(maxima.Length / 2);
}
