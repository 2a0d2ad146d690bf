using Tersor.Compression.GraphOptimization;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Compression.Tests.GraphOptimization;

public sealed class CleaningPassTests
{
    [Fact]
    public void Constants_become_initializers_of_the_graph_they_stand_in()
    {
        Model model = Build.Model([2], (g, x) => g.Apply("Add", [x, g.Apply("Constant", [], ("value", Tensor.Vector(1f, 2f)))]));
        (Model changed, _) = PassCheck.Run(new LiftConstantsPass(new()), model);
        Assert.Equal(0, PassCheck.Count(changed, "Constant"));
        (changed, _) = PassCheck.Run(new LiftConstantsPass(new()), Wrapping.InIf(model, conditionAsInput: true));
        Assert.Equal(0, changed.Graph.WithNested().Where(g => !g.IsMain).Sum(g => g.Nodes.Count(n => n.Is("Constant") && !n.Outputs[0]!.IsGraphOutput)));
        Assert.DoesNotContain(changed.Graph.Initializers, v => v.Tensor!.Length == 2);
    }

    [Fact]
    public void Constants_that_two_bodies_hold_stay_in_both()
    {
        Model model = Build.Model([400], (g, x) =>
        {
            Graph then = g.NewBody("then"), otherwise = g.NewBody("else");
            then.AddOutput(then.Apply("Add", [x, then.Apply("Constant", [], ("value", Build.Normal(1, 1, 400)))]));
            otherwise.AddOutput(otherwise.Apply("Mul", [x, otherwise.AddInitializer("w", Build.Normal(1, 1, 400))]));
            return g.Apply("If", [g.Apply("Greater", [g.Apply("ReduceSum", [x], ("keepdims", 0)), g.AddInitializer("c", Tensor.Scalar(0f))])], ("then_branch", then), ("else_branch", otherwise));
        });
        Model lifted = PassCheck.Settles(new LiftConstantsPass(new()), model);
        Assert.Equal([1, 1, 1], lifted.AllGraphs().Select(g => g.Initializers.Count));
    }

    [Fact]
    public void A_constant_that_is_an_output_stays_a_node()
    {
        Model model = Build.Model([2], (g, x) => g.Apply("Constant", [], ("value", Tensor.Vector(1f, 2f))));
        (Model changed, PassReport report) = PassCheck.Run(new LiftConstantsPass(new()), model);
        Assert.Equal(1, PassCheck.Count(changed, "Constant"));
        Assert.Equal("its graph gives it out", Assert.Single(report.Skipped).Reason);
    }

    [Fact]
    public void Initializers_listed_as_inputs_become_plain_ones_only_where_nobody_can_override_them()
    {
        Model old = Build.Model([2], (g, x) => g.Apply("Add", [x, g.AddInitializer("w", Tensor.Vector(1f, 2f))]));
        Model listed = Model.Load(new MemoryStream(TestFiles.WithInitializersAsInputs(old, irVersion: 3)));
        (Model changed, _) = PassCheck.Run(new LiftConstantsPass(new()), listed);
        Assert.Equal((1, 4L), (changed.Graph.Inputs.Count, changed.IrVersion));

        Model overridable = Model.Load(new MemoryStream(TestFiles.WithInitializersAsInputs(old, irVersion: 8)));
        (changed, PassReport report) = PassCheck.Run(new LiftConstantsPass(new()), overridable);
        Assert.Equal(2, changed.Graph.Inputs.Count);
        Assert.Equal("a caller may override it", Assert.Single(report.Skipped).Reason);
        new LiftConstantsPass(new() { FreezeOverridable = true }).Run(overridable, PassContext.None);
        Assert.Single(overridable.Graph.Inputs);
    }

    [Fact]
    public void Equal_weights_and_equal_nodes_are_one()
    {
        Model model = Build.Model([2, 4], (g, x) => g.Apply("Sub", [Branch(g, x, 1), g.Apply("Neg", [Branch(g, x, 1)])]));
        PassCheck.Leaves(new MergeDuplicatesPass(), model, "MatMul", 1);
        PassCheck.Leaves(new MergeDuplicatesPass(), model, "Exp", 1);
        Model other = Build.Model([2, 4], (g, x) => g.Apply("Sub", [Branch(g, x, 1), g.Apply("Neg", [Branch(g, x, 2)])]));
        PassCheck.Leaves(new MergeDuplicatesPass(), other, "MatMul", 2);

        static Value Branch(Graph g, Value x, int seed) => g.Apply("Exp", [g.Apply("MatMul", [x, g.AddInitializer("w", Build.Normal(seed, 0.5, 4, 4))])]);
    }

    [Fact]
    public void Random_nodes_are_not_merged()
    {
        Model model = Build.Model([2], (g, x) => g.Apply("Add", [g.Apply("RandomNormalLike", [x]), g.Apply("RandomNormalLike", [x])]));
        PassReport report = new MergeDuplicatesPass().Run(model, PassContext.None);
        Assert.Empty(report.Changes);
        Assert.Contains("random", Assert.Single(report.Skipped).Reason);
    }

    [Fact]
    public void Weights_with_other_constraints_are_not_merged()
    {
        Model model = Build.Model([2], (g, x) =>
        {
            Value masked = g.AddInitializer("w", Tensor.Vector(1f, 0f));
            masked.Constraints.Add(new Constraint.Mask());
            return g.Apply("Add", [g.Apply("Mul", [x, masked]), g.AddInitializer("w", Tensor.Vector(1f, 0f))]);
        });
        Assert.Empty(new MergeDuplicatesPass().Run(model, PassContext.None).Changes);
    }

    [Fact]
    public void What_no_output_depends_on_goes()
    {
        Model model = Build.Model([1, 2, 6, 6], (g, x) =>
        {
            g.Apply("Exp", [g.Apply("Neg", [x])]);
            g.AddInitializer("unused", Tensor.Vector(1f));
            return g.AddNode("MaxPool", [x], ["pooled", "places"], [new("kernel_shape", new long[] { 2, 2 })]).Outputs[0]!;
        });
        PassCheck.Leaves(new RemoveUnreachablePass(), model, "Exp", 0);
        (Model changed, PassReport report) = PassCheck.Run(new RemoveUnreachablePass(), model);
        Assert.Empty(changed.Graph.Initializers);
        Assert.Single(changed.Graph.Nodes.Single().Outputs);
        Assert.Equal(4, report.Changes.Count);
    }

    [Fact]
    public void Fixed_dimensions_are_fixed_everywhere_and_wrong_requests_refused()
    {
        Model model = Build.Model(["n", 3, "w"], (g, x) => g.Apply("Exp", [x]));
        model.Graph.Outputs[0].Type = OnnxType.Of(ElementType.Float32, "n", 3, "w");
        new FixDimensionsPass(new() { Dimensions = new Dictionary<string, long> { ["n"] = 2 }, Shapes = new Dictionary<string, long[]> { ["x"] = [2, 3, 7] } }).Run(model, PassContext.None);
        Assert.Equal("Float32 [2,3,7]", model.Graph.Outputs[0].Type!.ToString());

        FixDimensionsOptions wrong = new() { Dimensions = new Dictionary<string, long> { ["m"] = 2 }, Shapes = new Dictionary<string, long[]> { ["x"] = [2, 4, 7], ["z"] = [1] } };
        CompressionException refused = Assert.Throws<CompressionException>(() => new FixDimensionsPass(wrong).Run(Build.Model(["n", 3, "w"], (g, x) => g.Apply("Exp", [x])), PassContext.None));
        Assert.Contains("No input has a dimension named 'm'; there are 'n', 'w'.", refused.Message);
        Assert.Contains("[2,4,7] does not fit", refused.Message);
        Assert.Contains("There is no input 'z'", refused.Message);
    }
}
