using Tersor.Onnx.Editing;
using Tersor.Testing;

namespace Tersor.Onnx.Tests;

public sealed class FunctionInlinerTests
{
    private static readonly OnnxType Vector = OnnxType.Of(ElementType.Float32, 3);
    private readonly Model model = new(opset: 17, irVersion: 8);

    private Function Define(string name, string[] inputs, Func<Graph, Value> body, long opset = 17)
    {
        Function function = new(model, "local", name, "");
        function.OpsetImports[""] = opset;
        function.OpsetImports["local"] = 1;
        foreach (string input in inputs)
            function.Body.AddInput(input, null);
        function.Body.AddOutput(body(function.Body));
        model.Functions.Add(function);
        model.OpsetImports["local"] = 1;
        return function;
    }

    private static Value Op(Graph graph, string op, params Value?[] inputs) => graph.AddNode(op, inputs, ["t"]).Outputs[0]!;

    private static Value Call(Graph graph, string op, Value?[] inputs, params (string Name, NodeAttribute Value)[] attributes) =>
        graph.AddNode(op, inputs, ["t"], attributes.Select(a => new KeyValuePair<string, NodeAttribute>(a.Name, a.Value)), domain: "local").Outputs[0]!;

    /// <summary>ONNX Runtime gives the same before and after.</summary>
    private int InlineAndCompare(params (string Name, Tensor Tensor)[] inputs)
    {
        Dictionary<string, Tensor> feeds = inputs.ToDictionary(p => p.Name, p => p.Tensor);
        IReadOnlyDictionary<string, Tensor> before = Running.Run(model, feeds);
        string[] names = [.. model.Graph.Outputs.Select(o => o.Name)];
        int count = FunctionInliner.InlineAll(model);
        Assert.Empty(model.Functions);
        Assert.DoesNotContain(model.AllNodes(), n => n.Domain == "local");
        Assert.Equal(names, model.Graph.Outputs.Select(o => o.Name));
        Assert.Empty(Running.Differences(before, Running.Run(model, feeds)));
        return count;
    }

    private void GiveOut(Value value, string name)
    {
        value.Type = Vector;
        value.Rename(name);
        model.Graph.AddOutput(value);
    }

    [Fact]
    public void Nested_calls_and_calls_in_bodies_are_inlined()
    {
        Define("Twice", ["a"], g => Op(g, "Add", g.Inputs[0], g.Inputs[0]));
        Define("Choose", ["condition", "a"], g =>
        {
            Graph then = g.NewBody("then"), otherwise = g.NewBody("else");
            then.AddOutput(Call(then, "Twice", [g.Inputs[1]]));
            otherwise.AddOutput(Op(otherwise, "Neg", Call(otherwise, "Twice", [g.Inputs[1]])));
            return g.AddNode("If", [g.Inputs[0]], ["chosen"], [new("then_branch", then), new("else_branch", otherwise)]).Outputs[0]!;
        });
        Value c = model.Graph.AddInput("c", OnnxType.Of(ElementType.Bool, [])), x = model.Graph.AddInput("x", Vector);
        GiveOut(Call(model.Graph, "Choose", [c, Call(model.Graph, "Twice", [x])]), "y");
        int count = InlineAndCompare(("c", Tensor.Scalar(false)), ("x", Tensor.Vector(1f, -2f, 3f)));
        Assert.Equal(4, count);
    }

    [Fact]
    public void Attributes_come_from_the_call_then_from_the_default_then_not_at_all()
    {
        Function f = Define("Leaky", ["a"], g => g.AddNode("LeakyRelu", [g.Inputs[0]], ["t"], [new("alpha", new NodeAttribute.Reference("slope", 1))]).Outputs[0]!);
        f.DefaultAttributes["slope"] = 0.25f;
        Function plain = Define("Plain", ["a"], g => g.AddNode("Elu", [g.Inputs[0]], ["t"], [new("alpha", new NodeAttribute.Reference("slope", 1))]).Outputs[0]!);
        plain.RequiredAttributes.Add("slope");
        Value x = model.Graph.AddInput("x", Vector);
        GiveOut(Call(model.Graph, "Leaky", [x]), "standard");
        GiveOut(Call(model.Graph, "Leaky", [x], ("slope", 0.5f)), "own");
        GiveOut(Call(model.Graph, "Plain", [x], ("slope", 2f)), "elu");
        InlineAndCompare(("x", Tensor.Vector(-1f, -2f, 3f)));
        Assert.Equal([0.25f, 0.5f, 2f], model.Graph.Nodes.Select(n => n.Float("alpha", 0)));
        FunctionInlinerTests missing = new();
        missing.Define("Plain", ["a"], g => g.AddNode("Elu", [g.Inputs[0]], ["t"], [new("alpha", new NodeAttribute.Reference("slope", 1))]).Outputs[0]!);
        Call(missing.model.Graph, "Plain", [missing.model.Graph.AddInput("x", Vector)]);
        FunctionInliner.InlineAll(missing.model);
        Assert.Empty(missing.model.Graph.Nodes.Single().Attributes);
    }

    [Fact]
    public void References_pass_through_nested_functions_and_into_bodies()
    {
        Define("Inner", ["a"], g => g.AddNode("LeakyRelu", [g.Inputs[0]], ["t"], [new("alpha", new NodeAttribute.Reference("slope", 1))]).Outputs[0]!).RequiredAttributes.Add("slope");
        Define("Outer", ["condition", "a"], g =>
        {
            Graph then = g.NewBody("then"), otherwise = g.NewBody("else");
            then.AddOutput(Call(then, "Inner", [g.Inputs[1]], ("slope", new NodeAttribute.Reference("steep", 1))));
            otherwise.AddOutput(Op(otherwise, "Identity", g.Inputs[1]));
            return g.AddNode("If", [g.Inputs[0]], ["chosen"], [new("then_branch", then), new("else_branch", otherwise)]).Outputs[0]!;
        }).RequiredAttributes.Add("steep");
        Value c = model.Graph.AddInput("c", OnnxType.Of(ElementType.Bool, [])), x = model.Graph.AddInput("x", Vector);
        GiveOut(Call(model.Graph, "Outer", [c, x], ("steep", 0.125f)), "y");
        InlineAndCompare(("c", Tensor.Scalar(true)), ("x", Tensor.Vector(-8f, -2f, 3f)));
        Assert.Contains(model.AllNodes(), n => n.Is("LeakyRelu") && n.Float("alpha", 0) == 0.125f);
    }

    [Fact]
    public void Inputs_given_out_unchanged_shared_outputs_and_left_out_arguments_keep_their_meaning()
    {
        Function f = Define("Odd", ["a", "least", "most"], g => Op(g, "Clip", g.Inputs[0], g.Inputs[1], g.Inputs[2]));
        f.Body.AddOutput(f.Body.Inputs[0]);
        f.Body.AddOutput(f.Body.Outputs[0]);
        Value x = model.Graph.AddInput("x", Vector), high = model.Graph.AddInput("high", OnnxType.Of(ElementType.Float32, []));
        Node call = model.Graph.AddNode("Odd", [x, null, high], ["clipped", "same", "again"], domain: "local");
        foreach (Value? output in call.Outputs)
            GiveOut(output!, output!.Name);
        // ONNX Runtime refuses a function that gives out its input, so the numbers are compared with what they must be.
        FunctionInliner.InlineAll(model);
        IReadOnlyDictionary<string, Tensor> y = Running.Run(model, new Dictionary<string, Tensor> { ["x"] = Tensor.Vector(-1f, 2f, 3f), ["high"] = Tensor.Scalar(1f) });
        Assert.Equal([-1f, 1f, 1f], y["clipped"].ToFloats());
        Assert.Equal([-1f, 2f, 3f], y["same"].ToFloats());
        Assert.Equal([-1f, 1f, 1f], y["again"].ToFloats());
    }

    [Fact]
    public void One_call_can_be_inlined_alone()
    {
        Define("Twice", ["a"], g => Op(g, "Add", g.Inputs[0], g.Inputs[0]));
        Value x = model.Graph.AddInput("x", Vector);
        Value first = Call(model.Graph, "Twice", [x]);
        GiveOut(Call(model.Graph, "Twice", [first]), "y");
        FunctionInliner.Inline(first.Producer!);
        Assert.Equal(["Add", "Twice"], model.Graph.Nodes.Select(n => n.OpType));
        Assert.Single(model.Functions);
        Assert.Throws<ArgumentException>(() => FunctionInliner.Inline(model.Graph.Nodes.First()));
    }

    [Fact]
    public void A_function_in_another_operator_set_version_is_a_clear_error_unless_it_does_not_use_it()
    {
        Define("Old", ["a"], g => Op(g, "Neg", g.Inputs[0]), opset: 13);
        Call(model.Graph, "Old", [model.Graph.AddInput("x", Vector)]);
        string message = Assert.Throws<OnnxException>(() => FunctionInliner.InlineAll(model)).Message;
        Assert.Contains("version 13 of operator set 'ai.onnx'", message);
        FunctionInlinerTests other = new();
        other.Define("Twice", ["a"], g => Op(g, "Neg", g.Inputs[0]));
        other.Define("Pass", ["a"], g => Call(g, "Twice", [g.Inputs[0]]), opset: 13);
        Call(other.model.Graph, "Pass", [other.model.Graph.AddInput("x", Vector)]);
        Assert.Equal(2, FunctionInliner.InlineAll(other.model));
    }

    [Fact]
    public void New_domains_of_a_function_are_imported()
    {
        Define("Fast", ["a"], g => g.AddNode("QuickGelu", [g.Inputs[0]], ["t"], domain: "com.microsoft").Outputs[0]!).OpsetImports["com.microsoft"] = 1;
        Call(model.Graph, "Fast", [model.Graph.AddInput("x", Vector)]);
        FunctionInliner.InlineAll(model);
        Assert.Equal(["", "com.microsoft"], model.OpsetImports.Keys);
    }

    [Fact]
    public void Functions_that_double_at_every_level_are_refused_before_they_explode()
    {
        Define("F0", ["a"], g => Op(g, "Neg", g.Inputs[0]));
        for (int i = 1; i < 60; i++)
            Define($"F{i}", ["a"], g => Call(g, $"F{i - 1}", [Call(g, $"F{i - 1}", [g.Inputs[0]])]));
        Call(model.Graph, "F59", [model.Graph.AddInput("x", Vector)]);
        Assert.Contains("more than 5000000 nodes", Assert.Throws<OnnxException>(() => FunctionInliner.InlineAll(model)).Message);
    }

    [Fact]
    public void A_wrapped_real_model_inlined_again_is_the_model()
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        Model plain = Model.Load(SharedFiles.At("models", "fmnist_lstm.onnx"));
        Dictionary<string, Tensor> input = new() { ["image"] = Tensor.Create([1, 1, 28, 28], [.. Enumerable.Range(0, 784).Select(i => MathF.Sin(i))]) };
        IReadOnlyDictionary<string, Tensor> expected = Running.Run(plain, input);
        Model wrapped = Wrapping.InFunction(plain);
        Assert.Equal(1, wrapped.Graph.NodeCount);
        Assert.Empty(Running.Differences(expected, Running.Run(wrapped, input), 1e-6));
        Assert.Equal(1, FunctionInliner.InlineAll(wrapped));
        Assert.Equal(plain.OpsetImports, wrapped.OpsetImports);
        Assert.Empty(Running.Differences(expected, Running.Run(wrapped, input), 1e-6));
    }
}
