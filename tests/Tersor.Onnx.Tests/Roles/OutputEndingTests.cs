using Tersor.Onnx.Roles;
using Tersor.Testing;

namespace Tersor.Onnx.Tests.Roles;

/// <summary>What an output is said to end in.</summary>
public sealed class OutputEndingTests
{
    private static OutputEnding Ending(Func<Graph, Value, Value> body) => OutputEnding.Of(Build.Model([2, 3], (graph, x) => body(graph, graph.Apply("MatMul", [x, graph.AddInitializer("w", Build.Normal(1, 1, 3, 3))]))).Graph.Outputs[0]);

    private static Value Written(Graph graph, Value z, bool shifted)
    {
        Value power = graph.Apply("Exp", [shifted ? graph.Apply("Sub", [z, graph.Apply("ReduceMax", [z], ("axes", new[] { -1L }))]) : z]);
        return graph.Apply("Div", [power, graph.Apply("ReduceSum", [power, graph.AddInitializer("axes", Tensor.Vector([-1L]))])]);
    }

    private static Value Softmax(Graph graph, Value z) => graph.Apply("Softmax", [z], ("axis", -1L));

    private static Value Clipped(Graph graph, Value y, float least, float most) => graph.Apply("Clip", [y, graph.AddInitializer("least", Tensor.Scalar(least)), graph.AddInitializer("most", Tensor.Scalar(most))]);

    [Theory]
    [InlineData("written"), InlineData("written shifted"), InlineData("exp of log"), InlineData("clipped"), InlineData("moved clipped")]
    public void A_softmax_is_one_however_it_is_written(string how)
    {
        OutputEnding ending = Ending((graph, z) => how switch
        {
            "written" => Written(graph, z, shifted: false),
            "written shifted" => Written(graph, z, shifted: true),
            "exp of log" => graph.Apply("Exp", [graph.Apply("LogSoftmax", [z], ("axis", -1L))]),
            "clipped" => Clipped(graph, Softmax(graph, z), 1e-7f, 1),
            _ => Clipped(graph, graph.Apply("Reshape", [Softmax(graph, z), graph.AddInitializer("shape", Tensor.Vector(2L, 3))]), 1e-7f, 1),
        });
        Assert.Equal(("Softmax", "Softmax", -1, how.StartsWith("moved", StringComparison.Ordinal)), (ending.Closing, ending.Shares, ending.Axis, ending.IsMoved));
        Assert.True(ending.Logits.Producer!.Is("MatMul"));
    }

    [Theory]
    [InlineData("mean"), InlineData("sum times a half"), InlineData("sum over two")]
    public void The_mean_of_several_softmaxes_holds_shares_of_classes(string how)
    {
        OutputEnding ending = Ending((graph, z) =>
        {
            Value[] both = [Softmax(graph, z), Softmax(graph, graph.Apply("Neg", [z]))];
            return how switch
            {
                "mean" => graph.Apply("Mean", both),
                "sum over two" => graph.Apply("Div", [graph.Apply("Add", both), graph.AddInitializer("two", Tensor.Scalar(2f))]),
                _ => graph.Apply("Mul", [graph.Apply("Add", both), graph.AddInitializer("half", Tensor.Scalar(0.5f))]),
            };
        });
        Assert.Equal((null, "Softmax"), (ending.Closing, ending.Shares));
    }

    [Fact]
    public void What_is_like_it_and_is_none_is_not_taken_for_it()
    {
        Assert.Null(Ending((graph, z) => graph.Apply("Exp", [z])).Shares);
        Assert.Null(Ending((graph, z) => graph.Apply("Div", [graph.Apply("Exp", [z]), graph.Apply("ReduceSum", [graph.Apply("Exp", [graph.Apply("Neg", [z])]), graph.AddInitializer("axes", Tensor.Vector([-1L]))])])).Shares);
        Assert.Null(Ending((graph, z) => Clipped(graph, z, 0, 6)).Shares);
        Assert.Null(Ending((graph, z) => graph.Apply("Mul", [graph.Apply("Add", [Softmax(graph, z), Softmax(graph, z)]), graph.AddInitializer("three", Tensor.Scalar(3f))])).Shares);
        Assert.Equal((null, "Sigmoid"), Ending((graph, z) => Clipped(graph, z, 0, 1)) is var hard ? (hard.Closing, hard.Shares) : default); // shares, each by itself
    }

    [Theory]
    [InlineData("Mul"), InlineData("Add")]
    public void Values_that_are_used_twice_again_and_again_take_no_longer(string op)
    {
        // 2^200 paths lead from the output to the product.
        Assert.Null(Ending((graph, z) => Enumerable.Range(0, 200).Aggregate(z, (y, _) => graph.Apply(op, [y, y]))).Shares);
        Model model = Build.Model([1, 3], (graph, x) => Enumerable.Range(0, 200).Aggregate(graph.Apply("Add", [x, graph.AddInitializer("c", Tensor.Create([1, 3], new[] { 0.5f, 1.5f, 2.5f }))]), (y, _) => graph.Apply(op, [y, y])));
        Assert.Single(ConstantRoles.Of(model).RolesOf(model.AllConstants().First(c => c.Name == "c")));
    }
}
