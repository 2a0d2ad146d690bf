using Tersor.Compression.GraphOptimization;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Compression.Tests.GraphOptimization;

public sealed class FoldConstantsPassTests
{
    private readonly FoldConstantsPass pass = new(new());

    [Fact]
    public void What_depends_on_constants_alone_is_computed()
    {
        Model model = Build.Model([2, 3], (g, x) => g.Apply("Add", [x, g.Apply("Sqrt", [g.Apply("Mul", [Float(g, 3), Float(g, 12)])])]));
        PassCheck.Leaves(pass, model, "Sqrt", 0);
        PassCheck.Leaves(pass, model, "Mul", 0);
        (Model changed, _) = PassCheck.Run(pass, model);
        Assert.Equal([6f], Assert.Single(changed.Graph.Initializers.Select(v => v.Tensor!)).ToFloats());
    }

    [Fact]
    public void Dimensions_that_are_fixed_are_folded_although_others_are_not()
    {
        Model model = Build.Model(["n", 3, "w", 5], (g, x) =>
        {
            Value shape = g.Apply("Shape", [x]);
            Value picked = g.Apply("Gather", [shape, g.AddInitializer("i", Tensor.Vector(1L, 3L))]);
            return g.Apply("Expand", [g.Apply("ReduceMax", [x], ("keepdims", 0)), picked]);
        });
        PassCheck.Leaves(pass, model, "Shape", 0);
        Model open = Build.Model(["n", 3], (g, x) => g.Apply("Expand", [g.Apply("ReduceMax", [x], ("keepdims", 0)), g.Apply("Shape", [x])]));
        PassCheck.Leaves(pass, open, "Shape", 1);
    }

    [Fact]
    public void A_weight_stored_small_stays_small()
    {
        Model model = Build.Model([2, 64], (g, x) =>
        {
            Value stored = g.AddInitializer("w", Tensor.Create([64, 64], [.. Enumerable.Range(0, 4096).Select(i => (sbyte)(i * 7 % 255 - 127))]));
            return g.Apply("MatMul", [x, g.Apply("Mul", [g.Apply("Cast", [stored], ("to", (long)ElementType.Float32)), Float(g, 0.01f)])]);
        });
        PassCheck.Leaves(pass, model, "Cast", 1);
        Assert.Contains(PassCheck.Run(pass, model).Report.Skipped, s => s.Reason.Contains("16384 bytes", StringComparison.Ordinal));
    }

    [Fact]
    public void Nested_branches_take_time_in_proportion_to_their_number()
    {
        // Looked into once for every branch around it, the innermost would be visited 2^60 times.
        Model model = Build.Model([2], (g, x) => Nested(g, x, g.AddInput("condition", OnnxType.Of(ElementType.Bool)), depth: 60));
        Assert.Empty(pass.Run(model, PassContext.None).Changes);

        static Value Nested(Graph graph, Value x, Value condition, int depth)
        {
            if (depth == 0)
                return graph.Apply("Neg", [x]);
            Graph yes = graph.NewBody("yes"), no = graph.NewBody("no");
            yes.AddOutput(Nested(yes, x, condition, depth - 1));
            no.AddOutput(no.Apply("Identity", [x]));
            return graph.Apply("If", [condition], ("then_branch", yes), ("else_branch", no));
        }
    }

    [Fact]
    public void It_stops_when_it_is_cancelled()
    {
        Model model = Build.Model([2], (g, x) => g.Apply("Neg", [x]));
        using CancellationTokenSource source = new();
        source.Cancel();
        Assert.Throws<OperationCanceledException>(() => pass.Run(model, new() { Cancellation = source.Token }));
    }

    [Fact]
    public void A_size_beyond_64_bits_is_not_folded()
    {
        Model model = Build.Model([2], (g, x) => g.Apply("Add", [x, g.Apply("Cast", [g.Apply("Size", [g.AddInput("huge", OnnxType.Of(ElementType.Float32, 1L << 62, 4))])], ("to", 1))]));
        Assert.Empty(pass.Run(model, PassContext.None).Changes);
    }

    [Fact]
    public void A_huge_result_is_not_even_computed()
    {
        Model model = Build.Model([2], (g, x) => g.Apply("Add", [x, g.Apply("ReduceMax", [g.Apply("ConstantOfShape", [g.AddInitializer("shape", Tensor.Vector(1L << 20, 1L << 20))])], ("keepdims", 0))]));
        PassReport report = pass.Run(model, PassContext.None);
        Assert.Contains(report.Skipped, s => s.Reason.StartsWith("its result may take", StringComparison.Ordinal));
        Assert.Equal(1, PassCheck.Count(model, "ConstantOfShape"));
    }

    [Fact]
    public void Random_numbers_stay_random()
    {
        Model model = Build.Model([2], (g, x) => g.Apply("Add", [x, g.Apply("RandomNormal", [], ("shape", new long[] { 2 }))]));
        PassReport report = pass.Run(model, PassContext.None);
        Assert.Empty(report.Changes);
        Assert.Contains("random", Assert.Single(report.Skipped).Reason);
    }

    [Fact]
    public void A_branch_that_is_always_taken_replaces_its_If()
    {
        Model wrapped = Wrapping.InIf(Build.Model([2, 3], (g, x) => g.Apply("Exp", [x])));
        (Model changed, _) = PassCheck.Run(pass, wrapped);
        Assert.Equal((0, 1), (PassCheck.Count(changed, "If"), PassCheck.Count(changed, "Exp")));
    }

    [Fact]
    public void One_node_the_engine_refuses_does_not_keep_the_others_from_being_folded()
    {
        Model model = Build.Model([2], (g, x) => g.Apply("Add", [x, g.Apply("Sqrt", [Float(g, 4)])]));
        Value bad = model.Graph.Apply("Gather", [model.Graph.AddInitializer("d", Tensor.Vector(1f)), model.Graph.AddInitializer("i", Tensor.Vector(9L))]);
        model.Graph.AddOutput(model.Graph.Apply("Exp", [model.Graph.Apply("Neg", [bad])]));
        PassReport report = pass.Run(model, PassContext.None);
        Assert.Equal(0, PassCheck.Count(model, "Sqrt"));
        Assert.Contains(report.Skipped, s => s.Reason.StartsWith("the engine cannot compute it", StringComparison.Ordinal));
    }

    private static Value Float(Graph g, float value) => g.AddInitializer("f", Tensor.Scalar(value));
}
