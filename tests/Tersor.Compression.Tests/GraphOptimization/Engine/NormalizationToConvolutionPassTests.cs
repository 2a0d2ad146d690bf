using Tersor.Compression.GraphOptimization;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Compression.Tests.GraphOptimization;

public sealed class NormalizationToConvolutionPassTests
{
    private readonly NormalizationToConvolutionPass pass = new(new()), withScales = new(new() { ScalesAndShifts = true });

    [Theory]
    [InlineData(3), InlineData(4), InlineData(5)]
    public void A_normalization_behind_a_Concat_is_a_convolution(int rank)
    {
        Dimension[] shape = [2, 5, .. Enumerable.Repeat((Dimension)4, rank - 2)];
        Model model = Build.Model(shape, (g, x) => g.Apply("Relu", [Normalize(g, g.Apply("Concat", [x, g.Apply("Relu", [x])], ("axis", 1)), 10)]));
        PassCheck.Leaves(pass, model, "BatchNormalization", 0);
        PassCheck.Leaves(pass, model, "Conv", 1);
        PassCheck.Settles(pass, model);
    }

    [Fact]
    public void A_normalization_of_what_others_read_is_a_convolution_in_open_pictures_too() => PassCheck.Leaves(pass, Build.Model(["n", 3, "h", "w"], (g, x) =>
    {
        Value conv = g.Conv(x, 1, 3, 8);
        return g.Apply("Add", [Normalize(g, conv, 8), conv]);
    }), "Conv", 2);

    [Fact]
    public void A_normalization_that_is_given_out_keeps_its_name() => PassCheck.Leaves(pass, Build.Model([2, 5, 4, 4], (g, x) => Normalize(g, g.Apply("Relu", [x]), 5)), "Conv", 1);

    public static TheoryData<string, Func<Graph, Value, Value>> Others { get; } = new()
    {
        { "a layer beside it can take it", (g, x) => Normalize(g, g.Conv(x, 1, 5, 8), 8) },
        { "a layer beside it can take it", (g, x) => g.Conv(Normalize(g, g.Apply("Relu", [x]), 5), 1, 5, 8, kernel: 1) },
        { "its input is not known to have 3 to 5 dimensions", (g, x) => Normalize(g, g.Apply("Flatten", [g.Apply("GlobalMaxPool", [g.Apply("Relu", [x])])]), 5) },
        { "normalizes by the batch", (g, x) => g.AddNode("BatchNormalization", [x, Vector(g, 5, 1), Vector(g, 5, 2), Vector(g, 5, 3), Positive(g, 5)], ["n", "mean", "variance"], [new("training_mode", 1L)]).Outputs[0]! },
        { "its parameters are not constant", (g, x) => g.Apply("BatchNormalization", [x, g.Apply("ReduceMax", [x], ("axes", new long[] { 0, 2, 3 }), ("keepdims", 0)), Vector(g, 5, 2), Vector(g, 5, 3), Positive(g, 5)]) },
    };

    [Theory, MemberData(nameof(Others))]
    public void What_cannot_be_or_need_not_be_stays(string reason, Func<Graph, Value, Value> write) =>
        PassCheck.LeavesAlone(pass, Build.Model([2, 5, 4, 4], (g, x) => g.Apply("Abs", [write(g, x)])), reason);

    [Fact]
    public void Other_types_and_no_channels_stay()
    {
        Model model = new(17, irVersion: 8);
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float64, 1, 5, 4, 4));
        model.Graph.AddOutput(Normalize(model.Graph, x, 5));
        PassCheck.Refuses(pass, model, "computes in Float64");
        PassCheck.Refuses(pass, Build.Model([1, 0, 4, 4], (g, x) => Normalize(g, x, 0)), "has 0 channels");
        PassCheck.Refuses(withScales, Build.Model([1, 1L << 40, 4, 4], (g, x) => g.Apply("Add", [x, Number(g, 1)])), "channels");
    }

    [Fact]
    public void Scales_and_shifts_between_convolutions_become_one_when_asked_for()
    {
        Model model = Between((g, x) => g.Apply("Add", [g.Apply("Mul", [x, g.AddInitializer("s", Build.Normal(1, 1, 16, 1, 1))]), Number(g, 0.3f)]));
        PassCheck.Leaves(withScales, model, "Conv", 3);
        PassCheck.Leaves(withScales, model, "Mul", 0);
        PassCheck.Leaves(withScales, model, "Add", 0);
        PassCheck.Settles(withScales, model);
        (Model same, PassReport report) = PassCheck.Run(pass, model);
        Assert.Equal((2, 0, 0), (PassCheck.Count(same, "Conv"), report.Changes.Count, report.Skipped.Count));
    }

    [Fact]
    public void A_shift_before_a_scale_is_scaled() => PassCheck.Leaves(withScales, Between((g, x) =>
        g.Apply("Mul", [g.Apply("Add", [x, g.AddInitializer("t", Build.Normal(2, 1, 16, 1, 1))]), g.AddInitializer("s", Build.Normal(1, 1, 16, 1, 1))])), "Add", 0);

    [Fact]
    public void A_scale_and_a_shift_stay_apart_where_the_scaled_value_has_other_readers()
    {
        Model model = Build.Model([1, 3, 6, 6], (g, x) =>
        {
            Value scaled = g.Apply("Mul", [g.Apply("Relu", [g.Conv(x, 1, 3, 16)]), Number(g, 0.7f)]);
            return g.Apply("Add", [g.Conv(g.Apply("Sub", [Number(g, 0.2f), scaled]), 2, 16, 16), g.Apply("Exp", [scaled])]);
        });
        PassCheck.Leaves(withScales, model, "Sub", 0);
        PassCheck.Leaves(withScales, model, "Mul", 0);
        PassCheck.Leaves(withScales, model, "Conv", 4);
    }

    [Fact]
    public void A_number_that_added_dimensions_is_not_merged_away()
    {
        Model model = Build.Model([16, 6, 6], (g, x) =>
        {
            Value four = g.Apply("Mul", [x, g.AddInitializer("s", Tensor.Create([1, 1, 1, 1], [0.5f]))]);
            Value conv = g.Conv(four, 1, 16, 16);
            return g.Conv(g.Apply("Add", [g.Apply("Relu", [conv]), Number(g, 1)]), 2, 16, 16);
        });
        PassCheck.Leaves(withScales, model, "Mul", 1);
        PassCheck.Leaves(new FoldBatchNormalizationPass(new()), model, "Mul", 1);
    }

    public static TheoryData<string, Func<Graph, Value, Value>> OtherScales { get; } = new()
    {
        { "does not act on channels alone", (g, x) => g.Apply("Mul", [x, g.AddInitializer("s", Build.Normal(1, 1, 6, 6))]) },
        { "does not act on channels alone", (g, x) => g.Apply("Mul", [x, g.AddInitializer("s", Build.Normal(1, 1, 2, 16, 1, 1))]) is var two ? g.Apply("ReduceMax", [two], ("axes", new long[] { 0 })) : x },
        { "not between convolutions", (g, x) => g.Apply("Exp", [g.Apply("Add", [x, Number(g, 0.5f)])]) },
        { "not between convolutions", (g, x) => g.Apply("Add", [g.Apply("Exp", [x]), Number(g, 0.5f)]) },
        { "belongs to a larger pattern", (g, x) => g.Apply("Div", [g.Apply("Mul", [x, g.Apply("Tanh", [x])]), Number(g, 6)]) },
    };

    [Theory, MemberData(nameof(OtherScales))]
    public void Other_scales_and_shifts_stay(string reason, Func<Graph, Value, Value> write) => PassCheck.LeavesAlone(withScales, Between(write), reason);

    [Fact]
    public void Channels_that_do_not_fill_blocks_stay() => PassCheck.LeavesAlone(withScales, Build.Model([1, 3, 6, 6], (g, x) =>
        g.Conv(g.Apply("Add", [g.Apply("Relu", [g.Conv(x, 1, 3, 12)]), Number(g, 0.5f)]), 2, 12, 8)), "12 channels do not fill blocks of 16");

    private static Model Between(Func<Graph, Value, Value> write) => Build.Model([1, 3, 6, 6], (g, x) => g.Conv(write(g, g.Apply("Relu", [g.Conv(x, 1, 3, 16)])), 2, 16, 16));

    private static Value Normalize(Graph g, Value x, long channels) =>
        g.Apply("BatchNormalization", [x, Vector(g, channels, 11), Vector(g, channels, 12), Vector(g, channels, 13), Positive(g, channels)], ("epsilon", 1e-3f));

    private static Value Vector(Graph g, long length, int seed) => g.AddInitializer("v", Build.Normal(seed, 1, length));

    private static Value Positive(Graph g, long length) => g.AddInitializer("p", Tensor.Create([length], [.. Build.Normal(14, 0.3, length).ToFloats().Select(v => 1 + MathF.Abs(v))]));

    private static Value Number(Graph g, float value) => g.AddInitializer("c", Tensor.Scalar(value));
}
