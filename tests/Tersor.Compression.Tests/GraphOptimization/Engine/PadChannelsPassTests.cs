using System.Diagnostics;
using Tersor.Compression.GraphOptimization;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Compression.Tests.GraphOptimization;

public sealed class PadChannelsPassTests
{
    private readonly PadChannelsPass pass = new(new());

    /// <summary>Between two convolutions: a [1, 24, 8, 8] value in, one of 24 channels out.</summary>
    public static TheoryData<string, Func<Graph, Value, Value>> Between { get; } = new()
    {
        { "nothing", (_, x) => x },
        { "Relu", (g, x) => g.Apply("Relu", [x]) },
        { "Clip", (g, x) => g.Apply("Clip", [x, Number(g, 0.2f), Number(g, 6)]) },
        { "HardSwish", (g, x) => g.Apply("HardSwish", [x]) },
        { "Sigmoid", (g, x) => g.Apply("Sigmoid", [x]) },
        { "Softplus", (g, x) => g.Apply("Softplus", [x]) },
        { "MaxPool", (g, x) => g.Apply("MaxPool", [x], ("kernel_shape", new long[] { 3, 3 }), ("pads", new long[] { 1, 1, 1, 1 })) },
        { "AveragePool", (g, x) => g.Apply("AveragePool", [x], ("kernel_shape", new long[] { 3, 3 }), ("pads", new long[] { 1, 0, 1, 2 })) },
        { "depthwise", (g, x) => g.Conv(x, 5, 24, 24, group: 24) },
        { "normalization", (g, x) => g.Apply("BatchNormalization", [x, Vector(g, 24, 1), Vector(g, 24, 2), Vector(g, 24, 3), Positive(g, 24, 4)]) },
        { "PRelu by channel", (g, x) => g.Apply("PRelu", [x, g.AddInitializer("s", Build.Normal(1, 1, 24, 1, 1))]) },
        { "PRelu", (g, x) => g.Apply("PRelu", [x, g.AddInitializer("s", Build.Normal(1, 1, 1))]) },
        { "scaled by channel", (g, x) => g.Apply("Mul", [g.AddInitializer("s", Build.Normal(1, 1, 1, 24, 1, 1)), x]) },
        { "shifted over the picture", (g, x) => g.Apply("Add", [x, g.AddInitializer("s", Build.Normal(1, 1, 24, 8, 8))]) },
        { "shifted by columns", (g, x) => g.Apply("Add", [x, g.AddInitializer("s", Build.Normal(1, 1, 8))]) },
        { "divided by channel", (g, x) => g.Apply("Div", [x, Positive(g, [24, 1, 1], 3)]) },
        { "subtracted from a constant", (g, x) => g.Apply("Sub", [g.AddInitializer("s", Build.Normal(1, 1, 24, 1, 1)), x]) },
        { "Max and Min", (g, x) => g.Apply("Max", [g.Apply("Min", [x, Number(g, 1)]), g.AddInitializer("s", Build.Normal(1, 1, 24, 1, 1))]) },
        { "residual", (g, x) => g.Apply("Add", [x, g.Conv(g.Apply("Relu", [x]), 5, 24, 24)]) },
        { "squeeze and excite", (g, x) => g.Apply("Mul", [x, g.Apply("HardSigmoid", [g.Conv(g.Apply("Relu", [g.Conv(g.Apply("GlobalAveragePool", [x]), 5, 24, 6, kernel: 1)]), 6, 6, 24, kernel: 1)])]) },
        { "Gather", (g, x) => g.Apply("Gather", [x, g.AddInitializer("i", Tensor.Create([24], [.. Enumerable.Range(0, 24).Select(i => (long)(i % 2 == 0 ? i : -i))]))], ("axis", 1)) },
        { "Gather at axis -3", (g, x) => g.Apply("Gather", [x, g.AddInitializer("i", Tensor.Create([24], [.. Enumerable.Range(0, 24).Select(i => (long)(23 - i))]))], ("axis", -3)) },
        { "Concat along the picture", (g, x) => g.Apply("Concat", [x, g.Apply("Relu", [x])], ("axis", -1)) },
        { "times itself", (g, x) => g.Apply("Mul", [x, x]) },
    };

    [Theory, MemberData(nameof(Between))]
    public void Everything_that_works_channel_by_channel_carries_added_ones(string what, Func<Graph, Value, Value> between)
    {
        Assert.NotEmpty(what);
        Model model = Build.Model([1, 3, 8, 8], (g, x) => g.Conv(between(g, g.Conv(x, 1, 3, 24)), 2, 24, 10));
        (Model changed, PassReport report) = PassCheck.Run(pass, model);
        Assert.Contains(report.Changes, c => c.What.StartsWith("24 channels are now 32", StringComparison.Ordinal));
        Assert.Equal(32, Weight(changed, 0).Shape[0]);
        Assert.Equal(32, changed.Graph.Nodes.Last().Inputs[1]!.Constant!.Shape[1]);
        PassCheck.Settles(pass, model);
        foreach (Model placed in new[] { Wrapping.InIf(model, conditionAsInput: true), Wrapping.InFunction(model) })
            Assert.NotEmpty(PassCheck.Run(pass, placed).Report.Changes);
    }

    /// <summary>Between two convolutions: what must see 24 channels, and what is said.</summary>
    public static TheoryData<string, Func<Graph, Value, Value>> Against { get; } = new()
    {
        { "Softmax 'softmax/Softmax' needs the channels", (g, x) => g.Apply("Softmax", [x], ("axis", 1)) },
        { "Exp 'exp/Exp' needs the channels", (g, x) => g.Apply("Exp", [g.Apply("Neg", [g.Apply("Abs", [x])])]) },
        { "Transpose 'transpose/Transpose' needs the channels", (g, x) => g.Apply("Transpose", [x], ("perm", new long[] { 0, 1, 3, 2 })) },
        { "works in groups", (g, x) => g.Conv(x, 5, 24, 24, group: 12) },
        { "works in groups", (g, x) => g.Apply("Slice", [g.Conv(x, 5, 24, 48, group: 24), g.AddInitializer("s", Tensor.Vector(0L)), g.AddInitializer("e", Tensor.Vector(24L)), g.AddInitializer("a", Tensor.Vector(1L))]) },
        { "Div 'div/Div' needs the channels", (g, x) => g.Apply("Div", [x, g.Apply("Softplus", [x])]) },
        { "Div 'div/Div' needs the channels", (g, x) => g.Apply("Div", [Number(g, 1), g.Apply("Softplus", [x])]) },
        { "ReduceMean 'reducemean/ReduceMean' needs the channels", (g, x) => g.Apply("Sub", [x, g.Apply("ReduceMean", [x], ("axes", new long[] { 1 }))]) },
        { "has no constant float weight", (g, x) => g.Apply("Conv", [x, g.Apply("Reshape", [g.Apply("ReduceMean", [x], ("axes", new long[] { 0, 2, 3 })), g.AddInitializer("s", Tensor.Vector(24L, 1, 1, 1))])], ("group", 24)) },
        { "needs the channels", (g, x) => g.AddNode("MaxPool", [x], ["p", "places"], [new("kernel_shape", new long[] { 1, 1 })]) is var pool ? g.Apply("Add", [pool.Outputs[0], g.Apply("Cast", [pool.Outputs[1]], ("to", 1))]) : x },
        { "needs the channels", (g, x) => g.Apply("Concat", [g.Apply("Slice", [x, g.AddInitializer("s", Tensor.Vector(0L)), g.AddInitializer("e", Tensor.Vector(23L)), g.AddInitializer("a", Tensor.Vector(1L))]), g.AddInitializer("c", Build.Normal(3, 1, 1, 1, 8, 8))], ("axis", 1)) },
    };

    [Theory, MemberData(nameof(Against))]
    public void What_mixes_channels_keeps_them_as_they_are(string reason, Func<Graph, Value, Value> between) =>
        PassCheck.LeavesAlone(pass, Build.Model([1, 3, 8, 8], (g, x) => g.Conv(between(g, g.Conv(x, 1, 3, 24)), 2, 24, 10)), reason, inFunctions: !reason.Contains('\''));

    [Fact]
    public void Channels_that_come_in_or_go_out_stay()
    {
        Model model = Build.Model([1, 24, 8, 8], (g, x) => g.Conv(g.Apply("Relu", [x]), 1, 24, 24));
        PassReport report = PassCheck.Run(pass, model).Report;
        Assert.Empty(report.Changes);
        Assert.Equal(["'x' comes from outside", "'y' is given out"], report.Skipped.Select(s => s.Reason));
    }

    [Fact]
    public void A_value_that_is_an_output_too_stays() => PassCheck.LeavesAlone(pass, Build.Model([1, 3, 8, 8], (g, x) =>
    {
        Value inner = g.Conv(x, 1, 3, 24);
        inner.Type = new OnnxType.Tensor(ElementType.Float32, null);
        g.AddOutput(inner);
        return g.Conv(g.Apply("Relu", [inner]), 2, 24, 10);
    }), "is given out", inFunctions: false);

    [Fact]
    public void A_value_that_a_body_reads_or_gives_out_stays()
    {
        PassCheck.LeavesAlone(pass, WithBody(given: false), "is read inside a body");
        PassCheck.Refuses(pass, WithBody(given: true), "is given out"); // the engine refuses such a model, but it can be loaded
    }

    private static Model WithBody(bool given) => Build.Model([1, 3, 8, 8], (g, x) =>
    {
        Value inner = g.Conv(x, 1, 3, 24);
        inner.Type = OnnxType.Of(ElementType.Float32, 1, 24, 8, 8);
        Graph then = g.NewBody("then"), otherwise = g.NewBody("else");
        then.AddOutput(given ? inner : then.Apply("Relu", [inner]));
        otherwise.AddOutput(otherwise.Apply("Neg", [g.Conv(x, 1, 3, 24)]));
        Value chosen = g.Apply("If", [g.Apply("Greater", [g.Apply("ReduceSum", [x], ("keepdims", 0)), Number(g, 0)])], ("then_branch", then), ("else_branch", otherwise));
        return g.Conv(chosen, 2, 24, 10);
    });

    [Fact]
    public void Channels_inside_a_body_are_padded_there() => PassCheck.Leaves(pass, Build.Model([1, 3, 8, 8], (g, x) =>
    {
        Graph then = g.NewBody("then"), otherwise = g.NewBody("else");
        then.AddOutput(then.Conv(then.Apply("Relu", [then.Conv(x, 1, 3, 24)]), 2, 24, 10));
        otherwise.AddOutput(otherwise.Conv(x, 3, 3, 10));
        return g.Apply("If", [g.Apply("Greater", [g.Apply("ReduceSum", [x], ("keepdims", 0)), Number(g, -1e6f)])], ("then_branch", then), ("else_branch", otherwise));
    }), "Conv", 3);

    [Fact]
    public void A_gate_of_one_channel_stays_one()
    {
        Model model = Build.Model([1, 3, 8, 8], (g, x) =>
        {
            Value wide = g.Conv(x, 1, 3, 24);
            return g.Conv(g.Apply("Mul", [wide, g.Apply("Sigmoid", [g.Conv(wide, 2, 24, 1)])]), 3, 24, 10);
        });
        (Model changed, PassReport report) = PassCheck.Run(new PadChannelsPass(new() { MaxGrowth = 100 }), model);
        Assert.Contains(report.Skipped, s => s.Reason.EndsWith("reads it for all channels", StringComparison.Ordinal));
        Assert.Equal([32, 1, 10], changed.Graph.Nodes.Where(n => n.Is("Conv")).Select(n => (int)n.Inputs[1]!.Constant!.Shape[0]));
    }

    [Theory]
    [InlineData(24, 32), InlineData(23, 32), InlineData(47, 48), InlineData(72, 80), InlineData(20, 20), InlineData(8, 8), InlineData(17, 17), InlineData(48, 48), InlineData(1, 1)]
    public void The_number_grows_to_a_multiple_unless_it_would_grow_too_much(int channels, int expected)
    {
        Model model = Build.Model([1, 3, 8, 8], (g, x) => g.Conv(g.Apply("Relu", [g.Conv(x, 1, 3, channels)]), 2, channels, 10));
        (Model changed, PassReport report) = PassCheck.Run(pass, model);
        Assert.Equal(expected, Weight(changed, 0).Shape[0]);
        if (expected == channels && channels % 16 != 0)
            Assert.Contains(report.Skipped, s => s.Reason == $"{Plural.Of(channels, "channel")} would become {(channels + 15) / 16 * 16}");
    }

    [Fact]
    public void A_single_pixel_is_not_worth_it() =>
        PassCheck.LeavesAlone(pass, Build.Model([1, 3, 1, 1], (g, x) => g.Conv(g.Apply("Relu", [g.Conv(x, 1, 3, 24, kernel: 1)]), 2, 24, 10, kernel: 1)), "a single pixel, where nothing would be won");

    [Fact]
    public void Open_pictures_are_no_obstacle() =>
        Assert.NotEmpty(PassCheck.Run(pass, Build.Model(["n", 3, "h", "w"], (g, x) => g.Conv(g.Apply("Relu", [g.Conv(x, 1, 3, 24)]), 2, 24, 10))).Report.Changes);

    [Fact]
    public void A_Concat_takes_the_layout_of_its_parts_however_deep()
    {
        Model model = Build.Model([1, 20, 8, 8], (g, x) =>
        {
            Value a = g.Apply("Relu", [g.Conv(x, 1, 20, 24)]), b = g.Conv(x, 2, 20, 10), c = g.Conv(x, 3, 20, 30);
            Value inner = g.Apply("Concat", [a, b, x], ("axis", 1));
            Value outer = g.Apply("Concat", [c, inner, a, inner], ("axis", -3));
            Value normal = g.Apply("BatchNormalization", [outer, Vector(g, 162, 1), Vector(g, 162, 2), Vector(g, 162, 3), Positive(g, 162, 4)]);
            return g.Conv(g.Apply("Mul", [g.Apply("Relu", [normal]), g.AddInitializer("s", Build.Normal(9, 1, 162, 1, 1))]), 4, 162, 10);
        });
        (Model changed, PassReport report) = PassCheck.Run(pass, model);
        Assert.Equal(["24 channels are now 32, in 2 values", "30 channels are now 32, in 1 value"], report.Changes.Select(c => c.What).Order());
        Assert.Equal(32 + 2 * (32 + 10 + 20) + 32, changed.Graph.Nodes.Last().Inputs[1]!.Constant!.Shape[1]);
        PassCheck.Settles(pass, model);
    }

    [Fact]
    public void A_Gather_behind_a_Concat_finds_its_channels()
    {
        Model model = Build.Model([1, 3, 8, 8], (g, x) =>
        {
            Value all = g.Apply("Concat", [g.Conv(x, 1, 3, 24), g.Conv(x, 2, 3, 24)], ("axis", 1));
            Value half = g.Apply("Gather", [all, g.AddInitializer("i", Tensor.Create([23], [.. Enumerable.Range(0, 23).Select(i => (long)(i % 3 == 0 ? -1 - i : 2 * i))]))], ("axis", 1));
            return g.Conv(g.Apply("Relu", [half]), 3, 23, 10);
        });
        (Model changed, _) = PassCheck.Run(pass, model);
        Assert.Equal(32, changed.Graph.Nodes.Last().Inputs[1]!.Constant!.Shape[1]);
        Assert.Equal(32, changed.AllNodes().Single(n => n.Is("Gather")).Inputs[1]!.Constant!.Length);
    }

    [Fact]
    public void Two_Concats_that_would_have_to_agree_stay() => PassCheck.LeavesAlone(pass, Build.Model([1, 3, 8, 8], (g, x) =>
    {
        Value left = g.Apply("Concat", [g.Conv(x, 1, 3, 24), g.Conv(x, 2, 3, 30)], ("axis", 1)), right = g.Apply("Concat", [g.Conv(x, 3, 3, 30), g.Conv(x, 4, 3, 24)], ("axis", 1));
        return g.Conv(g.Apply("Add", [left, right]), 5, 54, 10);
    }), "several Concats would have to agree");

    [Fact]
    public void The_parts_of_what_must_stay_stay() => PassCheck.LeavesAlone(pass, Build.Model([1, 3, 8, 8], (g, x) =>
        g.Apply("Concat", [g.Apply("Concat", [g.Conv(x, 1, 3, 24), g.Conv(x, 2, 3, 30)], ("axis", 1)), g.Conv(x, 3, 3, 24)], ("axis", 1))), "is given out", inFunctions: false);

    [Fact]
    public void A_residual_sum_of_a_Concat_and_a_convolution_agrees_with_the_Concat()
    {
        Model model = Build.Model([1, 3, 8, 8], (g, x) =>
        {
            Value parts = g.Apply("Concat", [g.Conv(x, 1, 3, 24), g.Conv(x, 2, 3, 30)], ("axis", 1));
            return g.Conv(g.Apply("Relu", [g.Apply("Add", [parts, g.Conv(x, 3, 3, 54)])]), 4, 54, 10);
        });
        (Model changed, _) = PassCheck.Run(pass, model);
        Assert.Equal([32, 32, 64, 10], changed.AllNodes().Where(n => n.Is("Conv")).Select(n => (int)n.Inputs[1]!.Constant!.Shape[0]));
    }

    [Fact]
    public void Weights_that_several_layers_read_are_each_laid_out_for_their_layer()
    {
        Model model = Build.Model([1, 24, 8, 8], (g, x) =>
        {
            Value weight = g.AddInitializer("w", Build.Normal(1, 0.1, 24, 24, 3, 3)), bias = g.AddInitializer("b", Build.Normal(2, 1, 24));
            long[] pads = [1, 1, 1, 1];
            Value first = g.Apply("Conv", [x, weight, bias], ("pads", pads)), second = g.Apply("Conv", [first, weight, bias], ("pads", pads));
            return g.Apply("Conv", [g.Apply("Relu", [second]), weight, bias], ("pads", pads));
        });
        (Model changed, _) = PassCheck.Run(pass, model);
        Assert.Equal(["32,24", "32,32", "24,32"], changed.AllNodes().Where(n => n.Is("Conv")).Select(n => string.Join(',', n.Inputs[1]!.Constant!.Shape.Take(2))));
    }

    [Fact]
    public void A_mask_takes_zeros_and_other_constraints_do_not()
    {
        PassCheck.LeavesAlone(pass, Constrained(new Constraint.Tie("t")), "is constrained", inFunctions: false);
        Assert.NotEmpty(PassCheck.Run(pass, Constrained(new Constraint.Mask())).Report.Changes);

        static Model Constrained(Constraint constraint) => Build.Model([1, 3, 8, 8], (g, x) =>
        {
            Value y = g.Conv(g.Apply("Relu", [g.Conv(x, 1, 3, 24)]), 2, 24, 10);
            g.Nodes.First().Inputs[1]!.Constraints.Add(constraint);
            return y;
        });
    }

    [Fact]
    public void Shapes_that_do_not_agree_are_refused_and_nothing_is_thrown()
    {
        Refuses(g => [Typed(g.Conv(g.Inputs[0], 1, 3, 24), 40)], "do not agree");
        Refuses(g => [Typed(g.Apply("Concat", [g.Inputs[0], g.Inputs[0]], ("axis", 1)), 40)], "do not agree");
        Refuses(g => [Typed(g.Apply("Gather", [g.Inputs[0], g.AddInitializer("i", Tensor.Create([24], [.. Enumerable.Range(0, 24).Select(i => (long)i)]))], ("axis", 1)), 24)], "needs the channels");
        Refuses(g => [Typed(g.Apply("BatchNormalization", [g.Inputs[0], Vector(g, 24, 1), Vector(g, 24, 2), Vector(g, 24, 3), Positive(g, 24, 4)]), 3)], "");
        Refuses(g => [Typed(g.Apply("Relu", []), 24), Typed(g.Apply("Add", [null, g.Inputs[0]]), 24), Typed(g.Apply("Conv", []), 24), Typed(g.Apply("Concat", [], ("axis", 1)), 24)], "");
        Refuses(g => [Typed(g.Apply("Relu", [Typed(g.Conv(g.Inputs[0], 1, 3, 24), 2_000_000_000)]), 2_000_000_000)], null);

        void Refuses(Func<Graph, Value[]> write, string? reason)
        {
            Model model = new(17, irVersion: 8);
            model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, 1, 3, 8, 8));
            foreach (Value value in write(model.Graph))
                model.Graph.Apply("Conv", [value, model.Graph.AddInitializer("w", Build.Normal(1, 1, 8, 24, 1, 1))]);
            PassReport report = pass.Run(model, PassContext.None);
            Assert.Empty(report.Changes);
            if (reason is not null)
                Assert.Contains(report.Skipped, s => s.Reason.Contains(reason, StringComparison.Ordinal));
        }

        static Value Typed(Value value, long channels)
        {
            value.Type = OnnxType.Of(ElementType.Float32, 1, channels, 8, 8);
            return value;
        }
    }

    [Fact]
    public void Nested_Concats_of_any_depth_take_neither_stack_nor_time()
    {
        Model model = new(17, irVersion: 8);
        Graph g = model.Graph;
        Value x = g.AddInput("x", OnnxType.Of(ElementType.Float32, 1, 3, 1, 1)), all = g.Conv(x, 1, 3, 24);
        all.Type = OnnxType.Of(ElementType.Float32, 1, 24, 1, 1);
        for (int i = 0; i < 20_000; i++)
        {
            all = g.Apply("Concat", [all, x], ("axis", 1));
            all.Type = OnnxType.Of(ElementType.Float32, 1, 24 + 3 * (i + 1), 1, 1);
        }
        g.AddOutput(all);
        long start = Stopwatch.GetTimestamp();
        Assert.Empty(pass.Run(model, PassContext.None).Changes);
        Assert.True(Stopwatch.GetElapsedTime(start).TotalSeconds < 10);
    }

    [Fact]
    public void Options_that_make_no_sense_are_refused()
    {
        CompressionException refused = Assert.Throws<CompressionException>(() => new PadChannelsPass(new() { Multiple = 1, MaxGrowth = 0 }).Run(new(17), PassContext.None));
        Assert.Contains("Multiple is 1; expected 2..1024. MaxGrowth is 0; expected more than 0.", refused.Message);
    }

    private static Tensor Weight(Model model, int index) => model.AllNodes().Where(n => n.Is("Conv")).ElementAt(index).Inputs[1]!.Constant!;

    private static Value Vector(Graph g, long length, int seed) => g.AddInitializer("v", Build.Normal(seed, 1, length));

    private static Value Positive(Graph g, long length, int seed) => Positive(g, [length], seed);

    private static Value Positive(Graph g, long[] shape, int seed) => g.AddInitializer("p", Tensor.Create(shape, [.. Build.Normal(seed, 0.3, shape).ToFloats().Select(v => 1 + MathF.Abs(v))]));

    private static Value Number(Graph g, float value) => g.AddInitializer("c", Tensor.Scalar(value));
}
