using Tersor.Onnx.Roles;
using Tersor.Testing;

namespace Tersor.Onnx.Tests.Roles;

/// <summary>One tensor in several roles becomes several; what is shared on purpose stays one.</summary>
public sealed class ConstantSplitterTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)] // the statistics are Identity of scale and shift
    public void The_variance_of_a_fresh_normalization_is_told_apart_from_its_scale(bool byIdentity)
    {
        Model model = Build.Model(["n", 4, 8, 8], (graph, x) => Normalized(graph, graph.Conv(x, 1, 4, 4), graph.AddInitializer("ones", Filled(1)), graph.AddInitializer("zeros", Filled(0)), byIdentity));
        IReadOnlyList<SplitConstant> split = ConstantSplitter.SplitByRole(model);
        Assert.Equal(["ones", "zeros"], split.Select(s => s.Name).Order());
        Node node = model.AllNodes().First(n => n.Is("BatchNormalization"));
        Assert.Equal(["ones", "zeros", "zeros/mean", "ones/variance"], node.Inputs.Skip(1).Select(i => i!.Name));
        Assert.All(node.Inputs.Skip(1), i => Assert.NotNull(i!.Tensor));
        Assert.DoesNotContain(model.AllNodes(), n => n.Is("Identity"));
        Assert.Empty(ConstantSplitter.SplitByRole(model));
    }

    [Fact]
    public void Ones_of_two_normalizations_are_two_and_those_of_a_layer_that_is_used_twice_are_one()
    {
        Model Twice(bool sameLayer) => Build.Model(["n", 4, 8, 8], (graph, x) =>
        {
            Value ones = graph.AddInitializer("ones", Filled(1)), zeros = graph.AddInitializer("zeros", Filled(0)), w = graph.AddInitializer("w", Build.Normal(1, 1, 4, 4, 1, 1));
            Value first = Normalized(graph, graph.Apply("Conv", [x, w]), ones, zeros, byIdentity: false);
            return Normalized(graph, graph.Apply("Conv", [first, sameLayer ? w : graph.AddInitializer("w2", Build.Normal(2, 1, 4, 4, 1, 1))]), ones, zeros, byIdentity: false);
        });
        Assert.Equal([1, 4], new[] { true, false }.Select(same => Scales(Twice(same))).Select(s => s[0] == s[1] ? 1 : 4));
        Assert.Equal(3, ConstantSplitter.SplitByRole(Twice(false)).First(s => s.Name == "ones").Copies.Count); // scale and variance of both

        static string[] Scales(Model model)
        {
            ConstantSplitter.SplitByRole(model);
            return [.. model.AllNodes().Where(n => n.Is("BatchNormalization")).Select(n => n.Inputs[1]!.Name)];
        }
    }

    [Fact]
    public void A_tied_embedding_stays_tied()
    {
        Model model = new(17, irVersion: 8);
        Value table = model.Graph.AddInitializer("table", Build.Normal(1, 1, 10, 4)), x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Int64, ["n"]));
        model.Graph.AddOutput(model.Graph.Apply("MatMul", [model.Graph.Apply("Gather", [table, x]), model.Graph.Apply("Transpose", [table])]));
        Assert.Empty(ConstantSplitter.SplitByRole(model));
        Assert.Equal(2, table.Uses.Count);
    }

    [Fact]
    public void A_scale_that_is_also_the_size_of_a_Resize_is_told_apart_through_what_lies_between()
    {
        Model model = Build.Model([1, 4, 8, 8], (graph, x) =>
        {
            Value shared = graph.AddInitializer("ones", Filled(1));
            Value scaled = graph.Apply("Mul", [graph.Conv(x, 1, 4, 4), graph.Apply("Reshape", [shared, graph.AddInitializer("shape", Tensor.Vector([1L, 4, 1, 1]))])]);
            return graph.Apply("Resize", [scaled, null, shared]);
        });
        Tensor before = Running.Run(model, new Dictionary<string, Tensor> { ["x"] = Build.Normal(3, 1, 1, 4, 8, 8) })["y"];
        Assert.Equal("ones", Assert.Single(ConstantSplitter.SplitByRole(model)).Name);
        Node resize = model.AllNodes().First(n => n.Is("Resize"));
        Assert.Equal("ones/fixed", resize.Inputs[2]!.Name);
        model.AllConstants().First(c => c.Name == "ones").SetTensor(Filled(3));
        Tensor after = Running.Run(model, new Dictionary<string, Tensor> { ["x"] = Build.Normal(3, 1, 1, 4, 8, 8) })["y"];
        Assert.All(before.ToFloats().Zip(after.ToFloats()), p => Assert.Equal(3 * p.First, p.Second, 1e-4f * Math.Abs(p.Second) + 1e-6f));
    }

    [Fact]
    public void Constraints_go_with_every_copy()
    {
        Model model = Build.Model([1, 4, 8, 8], (graph, x) =>
        {
            Value shared = graph.AddInitializer("c", Build.Normal(4, 1, 1, 4, 1, 1));
            shared.Constraints.Add(new Constraint.Mask());
            return graph.Apply("Add", [graph.Apply("Mul", [graph.Conv(x, 1, 4, 4), shared]), shared]);
        });
        ConstantSplitter.SplitByRole(model);
        Assert.All(model.AllNodes().Where(n => n.Is("Add", "Mul")), n => Assert.IsType<Constraint.Mask>(Assert.Single(n.Inputs[1]!.Constraints)));
        Assert.NotEqual(model.AllNodes().First(n => n.Is("Mul")).Inputs[1]!.Name, model.AllNodes().First(n => n.Is("Add")).Inputs[1]!.Name);
    }

    private static Tensor Filled(float value) => Tensor.Vector([.. Enumerable.Repeat(value, 4)]);

    private static Value Normalized(Graph graph, Value y, Value ones, Value zeros, bool byIdentity) => graph.Apply("BatchNormalization", [y, ones, zeros,
        byIdentity ? graph.Apply("Identity", [zeros]) : zeros, byIdentity ? graph.Apply("Identity", [ones]) : ones]);
}
