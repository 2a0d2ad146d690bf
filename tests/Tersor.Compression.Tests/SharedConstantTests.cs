using Tersor.Compression.GraphOptimization;
using Tersor.Compression.Quantization.Repair;
using Tersor.Compression.Tests.GraphOptimization;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Runtime;
using Tersor.Testing;

namespace Tersor.Compression.Tests;

/// <summary>One tensor that several layers read, or that stands for several things: what changes it for one reader leaves the others as they were.</summary>
public sealed class SharedConstantTests
{
    public static TheoryData<string> Passes => [.. PassCatalog.Entries.Select(e => e.Name)];

    [Theory, MemberData(nameof(Passes))]
    public void Every_pass_keeps_the_outputs_where_constants_are_shared(string name)
    {
        Pass pass = PassCatalog.Find(name)!.Create(null);
        foreach ((string _, Model model) in PassCheck.Places(Network()))
        {
            if (pass.Effect != PassEffect.Lossy)
            {
                PassCheck.Run(pass, model);
                continue;
            }
            Model changed = model.Clone();
            pass.Run(changed, PassContext.None);
            Assert.InRange(RelativeError(model, changed), 0, 0.02);
        }
    }

    [Theory]
    [InlineData("fold-batch-normalization"), InlineData("equalize-layers")]
    public void Layers_that_share_are_changed_all_the_same(string name) => Assert.NotEmpty(PassCheck.Run(PassCatalog.Find(name)!.Create(null), Network()).Report.Changes);

    [Fact]
    public void Channels_are_added_to_layers_that_share() => Assert.NotEmpty(PassCheck.Run(new PadChannelsPass(new() { MaxGrowth = 10 }), Network()).Report.Changes);

    [Fact]
    public void Scales_of_activations_move_out_of_a_shift_that_another_layer_adds()
    {
        MigrateActivationScalesPass pass = new(new() { WidenScalars = true, Convolutions = true }, v => [.. Enumerable.Range(1, 16).Select(i => (double)i * i)]);
        Assert.NotEmpty(PassCheck.Run(pass, Normalized()).Report.Changes);
    }

    [Fact]
    public void Rounding_a_layer_leaves_a_weight_and_a_bias_as_they_are_for_other_readers()
    {
        Model model = Network(), rounded = model.Clone();
        Tensor weight = Named(model, "twice").Tensor!, bias = Named(model, "bias").Tensor!;
        AdaptiveRoundingResult result = AdaptiveRounding.Run(rounded, new InMemoryDataSet("data", [.. Enumerable.Range(0, 8).Select(i => new Sample($"{i}", [Input(i)], new Dictionary<string, Tensor>()))]), new());
        Assert.NotEmpty(result.Report.Changes);
        Assert.Contains(result.Report.Skipped, s => s.Reason == "its weight has other readers");
        Assert.Equal(weight.ToFloats(), Named(rounded, "twice").Tensor!.ToFloats());
        Assert.Contains(Named(rounded, "bias").Uses, u => u.Node.Is("Sub")); // no layer: it subtracts what was stored
        Assert.Equal(bias.ToFloats(), Named(rounded, "bias").Tensor!.ToFloats());
        Assert.InRange(RelativeError(model, rounded), 0, 0.02);
    }

    /// <summary>Two layers of one weight, each with a normalization; ones that are a scale, a variance and a factor; a bias of three layers that something subtracts too; a matrix that is also a table.</summary>
    private static Model Network() => Build.Model([2, 8, 6, 6], (g, x) =>
    {
        Value twice = g.AddInitializer("twice", Build.Normal(1, 0.2, 8, 8, 3, 3)), bias = g.AddInitializer("bias", Build.Normal(2, 0.3, 8));
        Value ones = g.AddInitializer("ones", Tensor.Vector([.. Enumerable.Repeat(1f, 8)])), zeros = g.AddInitializer("zeros", Tensor.Vector(new float[8]));
        Value a = Convolution(x, twice, bias), b = Convolution(x, twice, bias);
        a = g.Apply("Relu", [g.Apply("BatchNormalization", [a, ones, zeros, zeros, ones])]);
        b = g.Apply("BatchNormalization", [b, g.AddInitializer("gamma", Build.Normal(3, 1, 8)), zeros, bias, ones]);
        Value both = g.Apply("Relu", [Convolution(g.Apply("Concat", [a, b], ("axis", 1L)), g.AddInitializer("join", Build.Normal(4, 0.1, 8, 16, 3, 3)), bias)]);
        both = g.Apply("Relu", [Convolution(both, g.AddInitializer("next", Uneven(8, 8)), zeros)]);
        both = Convolution(both, g.AddInitializer("last", Build.Normal(6, 0.2, 8, 8, 3, 3)), zeros);
        Value flat = g.Apply("Mul", [g.Apply("Sub", [g.Apply("Flatten", [g.Apply("GlobalAveragePool", [both])]), bias]), ones]);
        Value matrix = g.AddInitializer("matrix", Build.Normal(7, 0.4, 8, 8));
        Value row = g.Apply("Gather", [matrix, g.AddInitializer("row", Tensor.Vector<long>([3]))]);
        return g.Apply("Add", [g.Apply("Add", [g.Apply("Gemm", [flat, matrix, bias]), row]), g.Apply("MatMul", [flat, matrix])]);

        Value Convolution(Value input, Value weight, Value added) => g.Apply("Conv", [input, weight, added], ("pads", new long[] { 1, 1, 1, 1 }));
    });

    /// <summary>A normalization whose shift is a bias elsewhere too.</summary>
    private static Model Normalized() => Build.Model([1, 6, 16], (g, x) =>
    {
        Value shift = g.AddInitializer("shift", Build.Normal(1, 0.5, 16)), gamma = g.AddInitializer("gamma", Build.Normal(2, 1, 16));
        Value read = g.Apply("MatMul", [g.Apply("LayerNormalization", [x, gamma, shift]), g.AddInitializer("w", Build.Normal(3, 0.3, 16, 16))]);
        return g.Apply("Mul", [g.Apply("Add", [read, shift]), gamma]);
    });

    private static Tensor Uneven(int outputs, int inputs) =>
        Tensor.Create([outputs, inputs, 3, 3], [.. Build.Normal(5, 0.2, outputs, inputs, 3, 3).ToFloats().Select((w, i) => w * (1 + i / (inputs * 9)))]);

    private static Value Named(Model model, string name) => model.Graph.Initializers.First(i => i.Name == name);

    private static Dictionary<string, Tensor> Input(int seed) => new() { ["x"] = Build.Normal(100 + seed, 1, 2, 8, 6, 6) };

    private static double RelativeError(Model model, Model changed)
    {
        float[] expected = Run(model), actual = Run(changed);
        return Math.Sqrt(expected.Zip(actual, (e, a) => (double)(e - a) * (e - a)).Sum() / expected.Sum(e => (double)e * e));
    }

    private static float[] Run(Model model)
    {
        using ModelSession session = new(model);
        Dictionary<string, Tensor> inputs = Input(50);
        foreach (Value input in model.Graph.Inputs.Where(i => !inputs.ContainsKey(i.Name)))
            inputs[input.Name] = Tensor.Create(input.Type!.AsTensor!.FixedShape!, new[] { true });
        return session.Run(inputs).Values.First().ToFloats();
    }
}
