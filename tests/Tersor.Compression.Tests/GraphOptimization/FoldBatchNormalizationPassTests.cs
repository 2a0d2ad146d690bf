using Tersor.Compression.GraphOptimization;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Compression.Tests.GraphOptimization;

public sealed class FoldBatchNormalizationPassTests
{
    private readonly FoldBatchNormalizationPass pass = new(new());

    [Theory]
    [InlineData(1), InlineData(2), InlineData(4)]
    public void A_normalization_behind_a_convolution_goes_into_it(int group) =>
        PassCheck.Leaves(pass, Build.Model([1, 4, 6, 6], (g, x) => Normalize(g, g.Conv(x, 1, 4, 8, group: group), 8)), "BatchNormalization", 0);

    [Theory]
    [InlineData(1), InlineData(2)]
    public void A_normalization_behind_a_transposed_convolution_goes_into_it(int group) =>
        PassCheck.Leaves(pass, Build.Model([1, 4, 5, 5], (g, x) => Normalize(g, g.Apply("ConvTranspose", [x, g.AddInitializer("w", Build.Normal(1, 0.3, 4, 6 / group, 3, 3))], ("group", group), ("strides", new long[] { 2, 2 })), 6)),
            "BatchNormalization", 0);

    [Theory]
    [InlineData(0, 1f, 1f), InlineData(1, 1f, 1f), InlineData(1, 0.5f, 2f)]
    public void Scales_and_shifts_around_a_Gemm_go_into_it(long transB, float alpha, float beta)
    {
        Model model = Build.Model([3, 4], (g, x) =>
        {
            Value before = g.Apply("Add", [g.Apply("Mul", [x, g.AddInitializer("s", Build.Normal(1, 1, 4))]), g.AddInitializer("t", Build.Normal(2, 1, 1, 4))]);
            Value weight = g.AddInitializer("w", transB == 1 ? Build.Normal(3, 0.5, 5, 4) : Build.Normal(3, 0.5, 4, 5));
            Value gemm = g.Apply("Gemm", [before, weight, g.AddInitializer("b", Build.Normal(4, 1, 5))], ("transB", transB), ("alpha", alpha), ("beta", beta));
            return g.Apply("Sub", [g.AddInitializer("c", Build.Normal(5, 1, 5)), g.Apply("Div", [gemm, g.AddInitializer("d", Tensor.Scalar(3f))])]);
        });
        PassCheck.Leaves(pass, model, "Mul", 0);
        PassCheck.Leaves(pass, model, "Add", 0);
        PassCheck.Leaves(pass, model, "Sub", 0);
        PassCheck.Leaves(pass, model, "Div", 0);
    }

    [Fact]
    public void A_MatMul_takes_the_scale_and_leaves_the_shift_as_an_Add()
    {
        Model model = Build.Model([2, 3, 4], (g, x) => g.Apply("Mul", [g.Apply("Add", [g.Apply("Mul", [Product(g, x), Vector(g, 5, 2)]), Vector(g, 5, 3)]), Vector(g, 5, 4)]));
        (Model changed, _) = PassCheck.Run(pass, Build.Model([2, 3, 4], (g, x) => g.Apply("Mul", [Product(g, x), Vector(g, 5, 2)])));
        Assert.Equal(["MatMul"], changed.Graph.Nodes.Select(n => n.OpType));
        (changed, _) = PassCheck.Run(pass, model);
        Assert.Equal(["MatMul", "Add", "Mul"], changed.Graph.Nodes.Select(n => n.OpType));
    }

    [Fact]
    public void A_shift_before_a_padded_convolution_stays_and_a_scale_does_not()
    {
        PassCheck.Leaves(pass, Build.Model([1, 3, 6, 6], (g, x) => g.Conv(g.Apply("Mul", [x, g.AddInitializer("s", Build.Normal(1, 1, 3, 1, 1))]), 1, 3, 4)), "Mul", 0);
        Model shifted = Build.Model([1, 3, 6, 6], (g, x) => g.Conv(g.Apply("Add", [x, g.AddInitializer("t", Build.Normal(1, 1, 3, 1, 1))]), 1, 3, 4));
        PassCheck.Leaves(pass, shifted, "Add", 1);
        Assert.Contains("pads", Assert.Single(PassCheck.Run(pass, shifted).Report.Skipped).Reason);
        PassCheck.Leaves(pass, Build.Model([1, 3, 6, 6], (g, x) => g.Conv(g.Apply("Add", [x, g.AddInitializer("t", Build.Normal(1, 1, 3, 1, 1))]), 1, 3, 4, kernel: 1)), "Add", 0);
    }

    [Fact]
    public void A_convolution_with_other_readers_keeps_its_normalization() => PassCheck.Leaves(pass, Build.Model([1, 4, 6, 6], (g, x) =>
    {
        Value conv = g.Conv(x, 1, 4, 8);
        return g.Apply("Add", [Normalize(g, conv, 8), conv]);
    }), "BatchNormalization", 1);

    [Fact]
    public void A_scale_that_varies_over_the_picture_stays() =>
        PassCheck.Leaves(pass, Build.Model([1, 4, 6, 6], (g, x) => g.Apply("Mul", [g.Conv(x, 1, 4, 8), g.AddInitializer("s", Build.Normal(1, 1, 6, 6))])), "Mul", 1);

    [Fact]
    public void A_scale_that_makes_several_channels_of_one_stays() =>
        PassCheck.Leaves(pass, Build.Model([1, 1, 6, 6], (g, x) => g.Conv(g.Apply("Mul", [x, g.AddInitializer("s", Build.Normal(1, 1, 3, 1, 1))]), 1, 3, 4)), "Mul", 1);

    [Fact]
    public void A_large_weight_that_another_layer_reads_is_not_copied()
    {
        Model model = Build.Model([1, 32, 6, 6], (g, x) =>
        {
            Value weight = g.AddInitializer("w", Build.Normal(1, 0.1, 32, 32, 3, 3));
            long[] pads = [1, 1, 1, 1];
            return g.Apply("Conv", [Normalize(g, g.Apply("Conv", [x, weight], ("pads", pads)), 32), weight], ("pads", pads));
        });
        PassCheck.Leaves(pass, model, "BatchNormalization", 1);
        PassCheck.Leaves(new FoldBatchNormalizationPass(new() { MaxCopiedBytes = 1 << 20 }), model, "BatchNormalization", 0);
    }

    [Fact]
    public void Neighbours_without_a_layer_become_one()
    {
        PassCheck.Leaves(pass, Build.Model([1, 4, 6, 6], (g, x) => g.Apply("Mul", [Normalize(g, g.Apply("Relu", [x]), 4), g.AddInitializer("s", Build.Normal(1, 1, 4, 1, 1))])), "Mul", 0, inFunctions: false);
        PassCheck.Leaves(pass, Build.Model([2, 4], (g, x) => g.Apply("Add", [g.Apply("Sub", [x, Vector(g, 4, 1)]), Vector(g, 4, 2)])), "Sub", 0);
    }

    [Fact]
    public void The_end_of_a_written_out_HardSwish_stays_before_a_convolution() => PassCheck.Leaves(pass, Build.Model([1, 4, 6, 6], (g, x) =>
    {
        Value gate = g.Apply("Clip", [g.Apply("Add", [x, Scalar(g, 3)]), Scalar(g, 0), Scalar(g, 6)]);
        return g.Conv(g.Apply("Div", [g.Apply("Mul", [x, gate]), Scalar(g, 6)]), 1, 4, 4);
    }), "Div", 1);

    private static Value Normalize(Graph g, Value x, long channels)
    {
        Tensor variance = Tensor.Create([channels], [.. Build.Normal(14, 0.3, channels).ToFloats().Select(v => 1 + MathF.Abs(v))]);
        return g.Apply("BatchNormalization", [x, Vector(g, channels, 11), Vector(g, channels, 12), Vector(g, channels, 13), g.AddInitializer("variance", variance)], ("epsilon", 1e-3f));
    }

    private static Value Product(Graph g, Value x) => g.Apply("MatMul", [x, g.AddInitializer("w", Build.Normal(1, 0.5, 4, 5))]);

    private static Value Vector(Graph g, long length, int seed) => g.AddInitializer("v", Build.Normal(seed, 1, length));

    private static Value Scalar(Graph g, float value) => g.AddInitializer("c", Tensor.Scalar(value));
}
