using Tersor.Compression.GraphOptimization;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Compression.Tests.GraphOptimization;

public sealed class SpreadGatesPassTests
{
    private readonly SpreadGatesPass pass = new();

    [Theory]
    [InlineData(false), InlineData(true)]
    public void A_gate_is_repeated_over_the_picture(bool gateFirst)
    {
        Model model = Gated([2, 3, 6, 5], 16, gateFirst: gateFirst);
        PassCheck.Leaves(pass, model, "Resize", 1);
        PassCheck.Settles(pass, model);
    }

    [Fact]
    public void An_open_batch_is_no_obstacle() => PassCheck.Leaves(pass, Gated(["n", 3, 6, 5], 16), "Resize", 1, inFunctions: false);

    [Fact]
    public void The_optimizer_spreads_gates_for_floats_and_not_for_what_will_be_quantized()
    {
        GraphOptimizerOptions options = new() { Level = OptimizationLevel.Engine };
        OptimizationResult result = new GraphOptimizer(options).Run(Gated([1, 3, 6, 5], 16));
        Assert.Equal((1, true), (result.NodesAfter["Resize"], result.Difference!.BitEqual));
        Assert.False(new GraphOptimizer(options with { NormalizationToConvolution = new() }).Run(Gated([1, 3, 6, 5], 16)).NodesAfter.ContainsKey("Resize"));
        Assert.False(new GraphOptimizer(new()).Run(Gated([1, 3, 6, 5], 16)).NodesAfter.ContainsKey("Resize"));
    }

    [Fact]
    public void Where_it_would_not_pay_or_is_not_known_to_fit_it_stays()
    {
        PassCheck.LeavesAlone(pass, Gated([1, 3, 6, 5], 24), "its channels do not fill blocks of 16");
        PassCheck.LeavesAlone(pass, Gated([1, 3, "h", "w"], 16), "the size of the picture is not known", inFunctions: false);
        PassCheck.LeavesAlone(pass, Gated([1, 3, 6, 5], 16, opset: 12), "Resize needs operator set 13");
        PassCheck.LeavesAlone(pass, Build.Model([1, 16, 6, 5], (g, x) => g.Conv(g.Apply("Mul", [x, g.Apply("Sigmoid", [Pooled(g, x, 16)])]), 3, 16, 8)), "not between convolutions");
        PassCheck.LeavesAlone(pass, Build.Model([1, 3, 6, 5], (g, x) => g.Conv(x, 1, 3, 16) is var y ? g.Conv(g.Apply("Mul", [y, g.Apply("GlobalAveragePool", [y])]), 3, 16, 8) : x), "not between convolutions");
        PassCheck.LeavesAlone(pass, Build.Model([1, 3, 6, 5], (g, x) => g.Conv(x, 1, 3, 16) is var y ? g.Apply("Exp", [g.Apply("Mul", [y, g.Apply("Sigmoid", [Pooled(g, y, 16)])])]) : x), "not between convolutions");
        PassCheck.LeavesAlone(pass, Build.Model([1, 3, 6, 5], (g, x) => g.Conv(x, 1, 3, 16) is var y ? g.Conv(g.Apply("Mul", [y, g.Apply("Sigmoid", [Pooled(g, y, 1)])]), 3, 16, 8) : x), "not known to have the picture's batch and channels");
        PassCheck.Refuses(pass, Typed(1L << 40, ElementType.Float32), "the picture is empty, or too large");
        PassCheck.Refuses(pass, Typed(0, ElementType.Float32), "the picture is empty, or too large");
        PassCheck.Refuses(pass, Typed(6, ElementType.Float64), "computes in Float64");
    }

    private static Model Typed(long height, ElementType type)
    {
        Model model = new(17, irVersion: 8);
        model.Graph.AddOutput(model.Graph.Apply("Mul", [model.Graph.AddInput("x", OnnxType.Of(type, 1, 16, height, 5)), model.Graph.AddInput("g", OnnxType.Of(type, 1, 16, 1, 1))]));
        return model;
    }

    private static Model Gated(Dimension[] shape, int channels, bool gateFirst = false, long opset = 17) => Build.Model(shape, (g, x) =>
    {
        Value picture = g.Apply("Relu", [g.Conv(x, 1, 3, channels)]), gate = g.Apply("HardSigmoid", [g.Conv(g.Apply("Relu", [Pooled(g, picture, 8)]), 4, 8, channels, kernel: 1)]);
        return g.Conv(g.Apply("Mul", gateFirst ? [gate, picture] : [picture, gate]), 3, channels, 8);
    }, opset);

    private static Value Pooled(Graph g, Value x, int to)
    {
        int from = x.Producer is { } conv ? (int)(conv.Is("Relu") ? conv.Inputs[0]!.Producer! : conv).Inputs[1]!.Constant!.Shape[0] : 16;
        return g.Conv(g.Apply("GlobalAveragePool", [x]), 2, from, to, kernel: 1);
    }
}
