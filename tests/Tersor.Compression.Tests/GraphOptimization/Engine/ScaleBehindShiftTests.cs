using Tersor.Compression.GraphOptimization;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Compression.Tests.GraphOptimization;

/// <summary>x · s + t before a layer that cannot take t.</summary>
public sealed class ScaleBehindShiftTests
{
    private readonly FoldBatchNormalizationPass pass = new(new());

    public static TheoryData<long[], long[]> Shapes { get; } = new()
    {
        { [], [] }, { [1], [] }, { [4, 1, 1], [] }, { [], [4, 1, 1] }, { [4, 1, 1], [1, 4, 1, 1] }, { [1, 1, 1, 1], [1] },
    };

    [Theory, MemberData(nameof(Shapes))]
    public void The_scale_goes_into_a_padded_convolution_and_the_shift_stays(long[] scale, long[] shift)
    {
        Model model = Padded((g, x) => g.Apply("Add", [g.Apply("Mul", [x, g.AddInitializer("s", Build.Normal(1, 1, scale))]), g.AddInitializer("t", Build.Normal(2, 1, shift))]));
        PassCheck.Leaves(pass, model, "Mul", 0, inFunctions: false);
        PassCheck.Leaves(pass, model, "Add", 1, inFunctions: false);
        PassCheck.Settles(pass, model);
    }

    [Fact]
    public void Div_and_Sub_are_scale_and_shift()
    {
        PassCheck.Leaves(pass, Padded((g, x) => g.Apply("Sub", [g.Apply("Div", [x, Number(g, 3)]), Number(g, 2)])), "Div", 0);
        PassCheck.Leaves(pass, Padded((g, x) => g.Apply("Sub", [g.Apply("Div", [x, Number(g, 3)]), Number(g, 2)])), "Sub", 0);
    }

    [Fact]
    public void A_MatMul_has_no_bias_and_takes_the_scale_too()
    {
        Model model = Build.Model([3, 4], (g, x) => g.Apply("MatMul", [g.Apply("Add", [g.Apply("Mul", [g.Apply("Tanh", [x]), g.AddInitializer("s", Build.Normal(1, 1, 4))]), Number(g, 2)]), g.AddInitializer("w", Build.Normal(3, 1, 4, 5))]));
        PassCheck.Leaves(pass, model, "Mul", 0);
        PassCheck.Leaves(pass, model, "Add", 1);
    }

    public static TheoryData<Func<Graph, Value, Value>> Others { get; } = new()
    {
        (g, x) => g.Apply("Add", [g.Apply("Mul", [x, g.AddInitializer("s", Tensor.Create([4, 1, 1], [1f, 2, 0, 3]))]), Number(g, 2)]),
        (g, x) => g.Apply("Add", [g.Apply("Mul", [x, g.AddInitializer("s", Build.Normal(1, 1, 6, 6))]), Number(g, 2)]),
        (g, x) => g.Apply("Mul", [x, Number(g, 0.5f)]) is var scaled ? g.Apply("Add", [g.Apply("Add", [scaled, Number(g, 2)]), g.Apply("Exp", [scaled])]) : x,
        (g, x) => g.Apply("Add", [g.Apply("Mul", [x, Number(g, 1e-38f)]), Number(g, 1e30f)]) is var huge ? g.Apply("Mul", [g.Apply("Tanh", [huge]), x]) : x,
    };

    [Theory, MemberData(nameof(Others))]
    public void A_scale_that_cannot_be_moved_stays(Func<Graph, Value, Value> write) => PassCheck.Leaves(pass, Padded(write), "Mul", PassCheck.Count(Padded(write), "Mul"));

    [Fact]
    public void A_scale_that_makes_a_picture_of_less_stays() => PassCheck.Leaves(pass, Build.Model([4, 6, 6], (g, x) =>
        g.Conv(g.Apply("Add", [g.Apply("Mul", [g.Apply("Tanh", [x]), g.AddInitializer("s", Tensor.Create([1, 1, 1, 1], [0.5f]))]), Number(g, 2)]), 1, 4, 5)), "Mul", 1);

    [Fact]
    public void One_channel_made_into_several_stays() => PassCheck.Leaves(pass, Build.Model([1, 1, 6, 6], (g, x) =>
        g.Conv(g.Apply("Add", [g.Apply("Mul", [g.Apply("Tanh", [x]), g.AddInitializer("s", Build.Normal(1, 1, 4, 1, 1))]), Number(g, 2)]), 1, 4, 5)), "Mul", 1);

    private static Model Padded(Func<Graph, Value, Value> write) => Build.Model([1, 4, 6, 6], (g, x) => g.Conv(write(g, g.Apply("Tanh", [x])), 1, 4, 5));

    private static Value Number(Graph g, float value) => g.AddInitializer("c", Tensor.Scalar(value));
}
