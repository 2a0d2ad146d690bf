using Tersor.Compression.Quantization.Repair;
using Tersor.Compression.Tests.GraphOptimization;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Compression.Tests.Quantization.Repair;

public sealed class EqualizeLayersPassTests
{
    private static readonly EqualizeLayersPass Pass = new(new());

    [Fact]
    public void A_pair_of_layers_gets_the_scales_of_the_paper()
    {
        Model model = Build.Model([1, 3, 8, 8], (g, x) => g.Conv(g.Apply("Relu", [Uneven(g, x, 1, 3, 6)]), 2, 6, 4, kernel: 1));
        (Model changed, PassReport report) = PassCheck.Run(Pass, model);
        Assert.Single(report.Changes);

        float[][] before = Weights(model), after = Weights(changed);
        double[] expected = [.. Enumerable.Range(0, 6).Select(c =>
            Math.Sqrt(before[0].Skip(c * 27).Take(27).Max(Math.Abs) / (double)Enumerable.Range(0, 4).Max(o => Math.Abs(before[1][o * 6 + c]))))];
        for (int i = 0; i < before[0].Length; i++)
            Assert.Equal(before[0][i] / expected[i / 27], after[0][i], Math.Abs(after[0][i]) * 1e-6);
        for (int i = 0; i < before[1].Length; i++)
            Assert.Equal(before[1][i] * expected[i % 6], after[1][i], Math.Abs(after[1][i]) * 1e-6);
    }

    public static TheoryData<string> Structures => ["relu", "clip", "depthwise chain", "pooling", "residual", "flatten", "transposed", "gate", "prelu", "affine", "matmul", "constant minus"];

    [Theory, MemberData(nameof(Structures))]
    public void Outputs_stay_and_channels_become_more_even(string structure)
    {
        Model model = Structure(structure);
        (Model changed, PassReport report) = PassCheck.Run(Pass, model);
        Assert.NotEmpty(report.Changes);
        Assert.True(Unevenness(changed) < Unevenness(model) * 0.95, $"{Unevenness(model):F2} → {Unevenness(changed):F2}");
    }

    [Theory]
    [InlineData("HardSwish"), InlineData("Sigmoid"), InlineData("Tanh"), InlineData("Exp")]
    public void What_does_not_commute_with_a_scale_is_left_with_the_reason(string opType)
    {
        Model model = Build.Model([1, 3, 8, 8], (g, x) => g.Conv(g.Apply(opType, [Uneven(g, x, 1, 3, 6)]), 2, 6, 4));
        PassReport report = Pass.Run(model, PassContext.None);
        Assert.Empty(report.Changes);
        Assert.Contains(report.Skipped, s => s.Reason.Contains($"{opType} '", StringComparison.Ordinal) && s.Reason.Contains("commute", StringComparison.Ordinal));
    }

    [Fact]
    public void A_clip_with_an_upper_end_an_output_and_a_shared_weight_are_left()
    {
        Model clipped = Build.Model([1, 3, 8, 8], (g, x) => g.Conv(g.Apply("Clip", [Uneven(g, x, 1, 3, 6), g.AddInitializer("l", Tensor.Scalar(0f)), g.AddInitializer("h", Tensor.Scalar(6f))]), 2, 6, 4));
        Assert.Empty(Pass.Run(clipped, PassContext.None).Changes);

        Model given = Build.Model([1, 3, 8, 8], (g, x) => g.Conv(g.Apply("Relu", [Uneven(g, x, 1, 3, 6)]), 2, 6, 4));
        given.Graph.AddOutput(given.Graph.Nodes.First(n => n.Is("Relu")).Outputs[0]!);
        Assert.Empty(Pass.Run(given, PassContext.None).Changes);

        Model shared = Build.Model([1, 4, 8, 8], (g, x) =>
        {
            Value first = Uneven(g, x, 1, 4, 4), weight = first.Producer!.Inputs[1]!;
            return g.Apply("Conv", [g.Apply("Relu", [first]), weight], ("pads", new long[] { 1, 1, 1, 1 }));
        });
        Assert.Empty(Pass.Run(shared, PassContext.None).Changes);
    }

    [Fact]
    public void A_dead_channel_stays_as_it_is()
    {
        Model model = Build.Model([1, 3, 8, 8], (g, x) => g.Conv(g.Apply("Relu", [Uneven(g, x, 1, 3, 6)]), 2, 6, 4, kernel: 1));
        Value weight = model.Graph.Nodes.First().Inputs[1]!;
        float[] values = weight.Constant!.ToFloats();
        Array.Fill(values, 1e-30f, 27, 27);
        weight.SetTensor(Tensor.Create(weight.Constant.Shape.AsSpan(), values));
        float[] behind = Weights(model)[1];
        (Model changed, _) = PassCheck.Run(Pass, model);
        Assert.Equal(values[27..54], Weights(changed)[0][27..54]);
        Assert.Equal(behind[1], Weights(changed)[1][1]);
    }

    private static Model Structure(string name) => Build.Model([1, 4, 8, 8], (g, x) =>
    {
        Value first = Uneven(g, x, 1, 4, 8);
        return name switch
        {
            "relu" => g.Conv(g.Apply("Relu", [first]), 2, 8, 4),
            "clip" => g.Conv(g.Apply("Clip", [first, g.AddInitializer("l", Tensor.Scalar(0f))]), 2, 8, 4),
            "depthwise chain" => g.Conv(g.Apply("Relu", [g.Apply("Conv", [g.Apply("Relu", [first]), g.AddInitializer("dw", Build.Normal(5, 0.5, 8, 1, 3, 3))], ("group", 8L))]), 2, 8, 4),
            "pooling" => g.Conv(g.Apply("AveragePool", [g.Apply("MaxPool", [first], ("kernel_shape", new long[] { 2, 2 }))], ("kernel_shape", new long[] { 2, 2 }), ("pads", new long[] { 1, 1, 1, 1 })), 2, 8, 4),
            "residual" => Residual(g, g.Apply("Relu", [first])),
            "flatten" => g.Apply("Gemm", [g.Apply("Flatten", [g.Apply("Relu", [first])]), g.AddInitializer("w", Build.Normal(6, 0.1, 512, 10))]),
            "transposed" => g.Apply("MatMul", [g.Apply("Transpose", [g.Apply("Relu", [first])], ("perm", new long[] { 0, 2, 3, 1 })), g.AddInitializer("w", Build.Normal(6, 0.1, 8, 10))]),
            "gate" => g.Conv(g.Apply("Mul", [first, g.Apply("Sigmoid", [g.Conv(g.Apply("GlobalAveragePool", [first]), 7, 8, 8, kernel: 1)])]), 2, 8, 4),
            "prelu" => g.Conv(g.Apply("PRelu", [first, g.AddInitializer("slope", Build.Normal(8, 0.3, 8, 1, 1))]), 2, 8, 4),
            "affine" => g.Conv(g.Apply("Add", [g.Apply("Mul", [first, g.AddInitializer("m", Tensor.Scalar(0.3f))]), g.AddInitializer("a", Tensor.Scalar(-0.2f))]), 2, 8, 4),
            "constant minus" => g.Conv(g.Apply("Sub", [g.AddInitializer("a", Build.Normal(9, 1, 8, 1, 1)), first]), 2, 8, 4),
            "matmul" => g.Apply("MatMul", [g.Apply("Relu", [g.Apply("Add", [g.Apply("MatMul", [x, g.AddInitializer("w", ByColumn(Build.Normal(3, 0.5, 8, 6)))]), g.AddInitializer("b", Build.Normal(4, 0.1, 6))])]), g.AddInitializer("w", Build.Normal(6, 0.1, 6, 10))]),
            _ => throw new ArgumentException(name, nameof(name)),
        };
    });

    private static Value Residual(Graph g, Value x)
    {
        Value inner = g.Conv(g.Apply("Relu", [g.Conv(x, 3, 8, 8)]), 4, 8, 8);
        return g.Conv(g.Apply("Relu", [g.Apply("Add", [x, inner])]), 2, 8, 4);
    }

    /// <summary>A convolution whose output channels lie up to a factor of 2^7 apart.</summary>
    private static Value Uneven(Graph g, Value input, int seed, int from, int to)
    {
        Value output = g.Conv(input, seed, from, to);
        Value weight = output.Producer!.Inputs[1]!;
        int row = (int)weight.Constant!.Length / to;
        weight.SetTensor(Tensor.Create(weight.Constant.Shape.AsSpan(), [.. weight.Constant.ToFloats().Select((w, i) => MathF.ScaleB(w, -(i / row % 8)))]));
        return output;
    }

    private static Tensor ByColumn(Tensor tensor) =>
        Tensor.Create(tensor.Shape.AsSpan(), [.. tensor.ToFloats().Select((w, i) => MathF.ScaleB(w, -(i % (int)tensor.Shape[1])))]);

    private static float[][] Weights(Model model) => [.. model.Graph.Nodes.Where(n => n.Is("Conv", "MatMul", "Gemm")).Select(n => n.Inputs[1]!.Constant!.ToFloats())];

    /// <summary>Mean over all layers of how many octaves a channel's largest weight lies below the layer's.</summary>
    private static double Unevenness(Model model) => model.Graph.Nodes.Where(n => n.Is("Conv", "MatMul", "Gemm")).Average(n =>
    {
        Tensor weight = n.Inputs[1]!.Constant!;
        int columns = n.Is("Conv") ? (int)(weight.Length / weight.Shape[0]) : (int)weight.Shape[1];
        double[] largest = [.. weight.ToFloats().Select((w, i) => (Channel: n.Is("Conv") ? i / columns : i % columns, Size: (double)Math.Abs(w))).GroupBy(w => w.Channel).Select(c => c.Max(w => w.Size))];
        return largest.Average(l => Math.Log2(largest.Max() / l));
    });
}
