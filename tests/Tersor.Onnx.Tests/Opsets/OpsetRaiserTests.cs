using Tersor.Onnx.Opsets;

namespace Tersor.Onnx.Tests.Opsets;

public sealed class OpsetRaiserTests
{
    [Theory]
    [InlineData(26)]
    [InlineData(99)]
    public void An_operator_set_above_what_is_known_stays_where_nothing_is_to_be_raised(long opset)
    {
        Model model = new(opset);
        model.Graph.AddOutput(model.Graph.AddNode("Relu", [model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, 2))], ["y"]).Outputs[0]!);
        Assert.False(OpsetRaiser.Raise(model, opset));
        Assert.Equal(opset, model.Opset);
        Assert.Contains($"{opset + 1}", Assert.Throws<OnnxException>(() => OpsetRaiser.Raise(model, opset + 1)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_step_is_in_the_history_and_every_star_of_the_history_has_its_step()
    {
        var stars = OperatorHistory.Operators.SelectMany(o => o.Value.Where(v => v.Value == VersionChange.Step).Select(v => (o.Key, v.Key)));
        Assert.Equal(stars.Order(), RaisingSteps.All.Keys.Order());
        Assert.All(OperatorHistory.Operators, o => Assert.Equal(VersionChange.Added, o.Value[o.Value.Keys.Min()]));
    }

    [Fact]
    public void A_model_at_or_above_the_target_stays_as_it_is()
    {
        Model model = Squeezing(21);
        byte[] before = model.ToBytes();
        Assert.False(OpsetRaiser.Raise(model, 13));
        Assert.False(OpsetRaiser.Raise(model));
        Assert.Equal(before, model.ToBytes());
    }

    [Fact]
    public void Raising_stops_at_the_target()
    {
        Model model = Squeezing(9);
        Assert.True(OpsetRaiser.Raise(model, 12));
        Assert.Equal(12, model.Opset);
        Assert.Equal([1L], model.Graph.Nodes.Single().Ints("axes")!);
        Assert.True(OpsetRaiser.Raise(model, 13));
        Assert.Equal([1L], model.Graph.Nodes.Single().Inputs[1]!.Constant!.ToInt64s());
    }

    [Fact]
    public void Bodies_and_functions_rise_with_the_model_and_a_callers_attribute_becomes_a_constant()
    {
        Model model = new(12, 8);
        model.OpsetImports["mine"] = 1;
        Function function = new(model, "mine", "Flat", "");
        function.OpsetImports[""] = 12;
        function.RequiredAttributes.Add("where");
        Value input = function.Body.AddInput("a", null);
        function.Body.AddOutput(function.Body.AddNode("Squeeze", [input], ["b"], [new("axes", new NodeAttribute.Reference("where", 7))]).Outputs[0]!);
        model.Functions.Add(function);
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, 2, 1, 3, 1)), condition = model.Graph.AddInput("c", OnnxType.Of(ElementType.Bool));
        Graph then = model.Graph.NewBody("then"), otherwise = model.Graph.NewBody("else");
        then.AddOutput(then.AddNode("Squeeze", [x], ["t"], [new("axes", new long[] { 1 })]).Outputs[0]!);
        otherwise.AddOutput(otherwise.AddNode("Flat", [x], ["e"], [new("where", new long[] { 3 })], "mine").Outputs[0]!);
        Value y = model.Graph.AddNode("If", [condition], ["y"], [new("then_branch", then), new("else_branch", otherwise)]).Outputs[0]!;
        y.Type = new OnnxType.Tensor(ElementType.Float32, null);
        model.Graph.AddOutput(y);
        Model raised = model.Clone();
        OpsetRaiser.Raise(raised);
        Assert.Equal(21, raised.Functions[0].OpsetImports[""]);
        foreach (bool choice in new[] { true, false })
        {
            Dictionary<string, Tensor> inputs = new() { ["x"] = RandomInputs.Make(ElementType.Float32, [2, 1, 3, 1], 5), ["c"] = Tensor.Scalar(choice) };
            Assert.True(BackendCase.TryRun(raised, inputs)!["y"].ContentEquals(BackendCase.TryRun(model, inputs)!["y"]));
        }
    }

    [Fact]
    public void A_function_whose_caller_decides_what_a_step_must_know_is_refused()
    {
        Model model = new(12, 8);
        Function function = new(model, "mine", "Soft", "");
        function.OpsetImports[""] = 12;
        Value input = function.Body.AddInput("a", null);
        function.Body.AddOutput(function.Body.AddNode("Softmax", [input], ["b"], [new("axis", new NodeAttribute.Reference("axis", 2))]).Outputs[0]!);
        model.Functions.Add(function);
        OnnxException e = Assert.Throws<OnnxException>(() => OpsetRaiser.Raise(model));
        Assert.Contains("inline the function", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Initializers_of_an_old_file_stop_being_inputs()
    {
        Model model = new(8, 3);
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, 2)), w = model.Graph.AddInitializer("w", Tensor.Vector(1f, 2f));
        model.Graph.AttachInput(w);
        model.Graph.AddOutput(model.Graph.AddNode("Add", [x, w], ["y"]).Outputs[0]!);
        OpsetRaiser.Raise(model);
        Assert.Equal(10, model.IrVersion);
        Assert.Equal(["x"], model.Graph.Inputs.Select(i => i.Name));
        Assert.NotNull(w.Constant);
    }

    [Theory]
    [InlineData("BatchNormalization", 6, "training form")]
    [InlineData("Dropout", 6, "training form")]
    [InlineData("GRU", 1, "newer operator set")]
    [InlineData("NoSuchOperator", 9, "no operator of that name")]
    [InlineData("Resize", 10, "make them constant")]
    [InlineData("Split", 1, "axis")]
    public void What_cannot_be_raised_is_refused_with_the_reason(string opType, int opset, string reason)
    {
        Model model = new(opset, 7);
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, 2, 3));
        model.Graph.AddOutput(model.Graph.AddNode(opType, [x, x], ["y"], name: "here").Outputs[0]!);
        OnnxException e = Assert.Throws<OnnxException>(() => OpsetRaiser.Raise(model));
        Assert.Contains("'here'", e.Message, StringComparison.Ordinal);
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
    }

    private static Model Squeezing(int opset)
    {
        Model model = new(opset, 8);
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, 2, 1));
        Node node = opset < 13 ? model.Graph.AddNode("Squeeze", [x], ["y"], [new("axes", new long[] { 1 })])
            : model.Graph.AddNode("Squeeze", [x, model.Graph.AddInitializer("axes", Tensor.Vector(1L))], ["y"]);
        model.Graph.AddOutput(node.Outputs[0]!);
        return model;
    }
}
