using Tersor.Onnx.Editing;
using Tersor.Testing;

namespace Tersor.Onnx.Tests;

public sealed class EditingTests
{
    private static readonly OnnxType Vector = OnnxType.Of(ElementType.Float32, 3);
    private readonly Model model = new();

    private Graph Main => model.Graph;

    private Value Output(Value value)
    {
        value.Type = Vector;
        Main.AddOutput(value);
        return value;
    }

    [Fact]
    public void Uses_follow_every_edit_of_inputs()
    {
        Value a = Main.AddInput("a", Vector), b = Main.AddInput("b", Vector);
        Node add = Main.AddNode("Sum", [a, b, a, null, b], ["sum"]);
        Assert.Equal([new Use(add, 0), new Use(add, 2)], a.Uses);
        add.SetInput(0, b);
        Assert.Equal([new Use(add, 2)], a.Uses);
        Assert.Equal([0, 1, 4], b.Uses.Select(u => u.Index).Order());
        add.SetInput(4, null);
        Assert.Equal([b, b, a], add.Inputs); // trailing gaps are gone
        add.TruncateInputs(1);
        Assert.Empty(a.Uses);
        Assert.Equal([new Use(add, 0)], b.Uses);
    }

    [Fact]
    public void Random_edits_keep_uses_and_inputs_in_agreement()
    {
        Random random = new(Seed: 7);
        Value[] values = [.. Enumerable.Range(0, 5).Select(i => Main.AddInput($"v{i}", Vector))];
        List<Node> nodes = [.. Enumerable.Range(0, 6).Select(i => Main.AddNode("Sum", [values[0]], [$"n{i}"]))];
        for (int step = 0; step < 3000; step++)
        {
            Node node = nodes[random.Next(nodes.Count)];
            Value value = values[random.Next(values.Length)];
            switch (random.Next(5))
            {
                case 0: node.AddInput(value); break;
                case 1: node.SetInput(random.Next(6), random.Next(3) == 0 ? null : value); break;
                case 2: node.TruncateInputs(random.Next(4)); break;
                case 3: value.ReplaceAllUsesWith(values[random.Next(values.Length)], except: random.Next(2) == 0 ? node : null); break;
                default:
                    node.Remove();
                    nodes.Remove(node);
                    nodes.Add(Main.AddNode("Sum", [value, null, value], ["again"]));
                    break;
            }
            foreach (Value v in values)
            {
                IEnumerable<Use> expected = Main.Nodes.SelectMany(n => n.Inputs.Select((input, i) => (input, i)).Where(p => ReferenceEquals(p.input, v)).Select(p => new Use(n, p.i)));
                Assert.Equal(expected.ToHashSet(), v.Uses.ToHashSet());
            }
        }
    }

    [Fact]
    public void Nodes_removed_and_added_while_enumerating_are_neither_lost_nor_met_again()
    {
        Value x = Main.AddInput("x", Vector);
        Node[] nodes = [.. Enumerable.Range(0, 6).Select(i => Main.AddNode("Relu", [x], [$"r{i}"], name: $"n{i}"))];
        List<string> seen = [];
        foreach (Node node in Main.Nodes)
        {
            seen.Add(node.Name);
            if (node.Name == "n1")
            {
                Main.InsertBefore(node.Next, "Abs", [x], ["a"], name: "behind n1");
                Main.InsertBefore(node, "Abs", [x], ["a"], name: "before n1");
                nodes[2].Remove();
                node.Remove();
                nodes[3].Remove();
            }
        }
        Assert.Equal(["n0", "n1", "behind n1", "n4", "n5"], seen);
        Assert.Equal(["n0", "before n1", "behind n1", "n4", "n5"], Main.Nodes.Select(n => n.Name));
        Assert.Equal(5, Main.NodeCount);
    }

    [Fact]
    public void A_node_removed_twice_leaves_the_list_whole()
    {
        Value x = Main.AddInput("x", Vector);
        Node first = Main.AddNode("Relu", [x], ["a"]), second = Main.AddNode("Relu", [x], ["b"]);
        first.Remove();
        first.Remove();
        Assert.Equal([second], Main.Nodes);
        Assert.Throws<ArgumentException>(() => Main.InsertBefore(first, "Abs", [x], ["c"]));
    }

    [Fact]
    public void A_node_that_is_read_in_a_nested_body_cannot_be_removed()
    {
        Value condition = Main.AddInput("c", OnnxType.Of(ElementType.Bool, []));
        Node outer = Main.AddNode("Relu", [Main.AddInput("x", Vector)], ["outer"]);
        Node branch = AddIf(condition, body => body.AddNode("Abs", [outer.Outputs[0]], ["inner"]).Outputs[0]!);
        Assert.Contains("still read", Assert.Throws<InvalidOperationException>(outer.Remove).Message);
        branch.Remove();
        outer.Remove();
        Assert.Equal(0, Main.NodeCount);
    }

    [Fact]
    public void Replacing_a_value_reaches_nested_bodies_and_keeps_the_output_name()
    {
        Value condition = Main.AddInput("c", OnnxType.Of(ElementType.Bool, []));
        Value x = Main.AddInput("x", Vector);
        Value old = Output(Main.AddNode("Relu", [x], ["y"]).Outputs[0]!);
        Node branch = AddIf(condition, body => body.AddNode("Abs", [old], ["inner"]).Outputs[0]!);
        Value better = Main.AddNode("Neg", [x], ["better"]).Outputs[0]!;
        old.ReplaceAllUsesWith(better);
        Assert.Equal(["y"], Main.Outputs.Select(o => o.Name));
        Assert.Same(better, Main.Outputs[0]);
        Assert.Same(better, branch.Bodies.First().Nodes.First().Inputs[0]);
        Assert.True(old.IsUnused);
        old.Producer!.Remove();
    }

    [Fact]
    public void An_output_replaced_by_an_input_or_a_constant_or_another_output_goes_through_an_Identity()
    {
        Value x = Main.AddInput("x", Vector);
        Value first = Output(Main.AddNode("Relu", [x], ["first"]).Outputs[0]!), second = Output(Main.AddNode("Abs", [x], ["second"]).Outputs[0]!);
        first.ReplaceAllUsesWith(x);
        second.ReplaceAllUsesWith(Main.Outputs[0]);
        Assert.Equal(["first", "second"], Main.Outputs.Select(o => o.Name));
        Assert.All(Main.Outputs, o => Assert.Equal("Identity", o.Producer!.OpType));
        Assert.Equal(Vector, Main.Outputs[1].Type);
    }

    [Fact]
    public void An_input_given_out_as_it_is_keeps_its_name_by_refusing_the_edit()
    {
        Value x = Output(Main.AddInput("x", Vector));
        Node relu = Main.AddNode("Relu", [x], ["y"]);
        Assert.Throws<InvalidOperationException>(() => x.ReplaceAllUsesWith(relu.Outputs[0]!, except: relu));
        Assert.Throws<InvalidOperationException>(() => Main.SetOutput(0, relu.Outputs[0]!));
        Assert.Same(x, relu.Inputs[0]);
    }

    [Fact]
    public void A_body_given_to_another_node_outlives_its_first_owner()
    {
        Value condition = Main.AddInput("c", OnnxType.Of(ElementType.Bool, [])), x = Main.AddInput("x", Vector);
        Node first = AddIf(condition, body => body.AddNode("Abs", [x], ["inner"]).Outputs[0]!);
        Node second = Main.AddNode("If", [condition], ["z"], first.Attributes);
        first.Remove();
        Assert.Equal(1, second.Body("then_branch")!.NodeCount);
        Assert.Same(second, second.Body("then_branch")!.Owner);
        Assert.Equal(2, x.Uses.Count);
        second.SetAttribute("then_branch", second.Attributes["then_branch"]); // the same body again
        Assert.Equal(2, x.Uses.Count);
        second.SetAttribute("then_branch", second.Attributes["else_branch"]);
        Assert.Single(x.Uses); // the body that was replaced reads nothing any more
    }

    [Fact]
    public void Values_and_bodies_of_another_model_are_refused()
    {
        Value foreign = new Model().Graph.AddInput("x", Vector);
        Assert.Throws<ArgumentException>(() => Main.AddNode("Relu", [foreign], ["y"]));
        Assert.Throws<ArgumentException>(() => Main.AddOutput(foreign));
        Assert.Throws<ArgumentException>(() => Main.AddNode("If", [], ["y"], [new("then_branch", foreign.Graph.NewBody("b"))]));
    }

    [Fact]
    public void An_input_that_is_read_stays_and_an_overridable_initializer_becomes_plain()
    {
        Value x = Main.AddInput("x", Vector), w = Main.AddInitializer("w", Tensor.Vector(1f, 2f, 3f));
        Main.AttachInput(w);
        Main.AddNode("Add", [x, w], ["y"]);
        Assert.Throws<InvalidOperationException>(() => Main.RemoveInput(x));
        Assert.True(w.IsOverridable);
        Assert.Null(w.Constant);
        Main.RemoveInput(w);
        Assert.NotNull(w.Constant);
        Assert.Throws<InvalidOperationException>(() => Main.RemoveInitializer(w));
    }

    [Fact]
    public void Initializers_listed_as_inputs_are_constants_in_files_before_IR_version_4()
    {
        Model old = new(opset: 8, irVersion: 3);
        Value w = old.Graph.AddInitializer("w", Tensor.Vector(1f));
        old.Graph.AttachInput(w);
        Assert.False(w.IsOverridable);
        Assert.Same(w.Tensor, w.Constant);
        old.IrVersion = 4;
        Assert.True(w.IsOverridable);
        Assert.Null(w.Constant);
        Assert.NotNull(w.Tensor);
    }

    [Fact]
    public void Equal_hints_give_different_names_and_stay_fast()
    {
        HashSet<string> names = [];
        for (int i = 0; i < 200_000; i++) // quadratic work would take minutes here
            Assert.True(names.Add(model.NewName("conv")));
        Assert.Equal("conv_200000", model.NewName("conv"));
        model.NewName("conv_200001");
        Assert.Equal("conv_200002", model.NewName("conv"));
    }

    [Fact]
    public void Renaming_to_the_own_name_changes_nothing()
    {
        Value x = Main.AddInput("x", Vector);
        x.Rename("x");
        Assert.Equal("x", x.Name);
    }

    [Fact]
    public void Many_readers_of_one_value_are_removed_quickly()
    {
        Value x = Main.AddInput("x", Vector);
        for (int i = 0; i < 200_000; i++)
            Main.AddNode("Relu", [x], [""]);
        foreach (Node node in Main.Nodes)
            node.Remove();
        Assert.Empty(x.Uses);
    }

    [Fact]
    public void Nodes_in_any_order_are_written_producers_first()
    {
        Value condition = Main.AddInput("c", OnnxType.Of(ElementType.Bool, [])), x = Main.AddInput("x", Vector);
        Node late = Main.AddNode("Relu", [x], ["late"]);
        Node branch = AddIf(condition, body => body.AddNode("Abs", [late.Outputs[0]], ["inner"]).Outputs[0]!);
        Output(branch.Outputs[0]!);
        Main.Reorder([branch, late]);
        Assert.Equal(["Relu", "If"], Reread(model).Graph.Nodes.Select(n => n.OpType));
    }

    [Fact]
    public void A_body_that_gives_out_an_outer_value_follows_its_producer()
    {
        Value condition = Main.AddInput("c", OnnxType.Of(ElementType.Bool, [])), x = Main.AddInput("x", Vector);
        Node late = Main.AddNode("Relu", [x], ["late"]);
        Node branch = AddIf(condition, _ => late.Outputs[0]!);
        Main.Reorder([branch, late]);
        Assert.Equal([late, branch], TopologicalOrder.Of(Main));
    }

    [Fact]
    public void Thousands_of_outputs_and_bodies_are_sorted_quickly()
    {
        Value condition = Main.AddInput("c", OnnxType.Of(ElementType.Bool, [])), x = Main.AddInput("x", Vector);
        for (int i = 0; i < 20_000; i++)
            Main.AddOutput(Main.AddNode("Relu", [x], ["y"]).Outputs[0]!);
        for (int i = 0; i < 2_000; i++)
            AddIf(condition, body => body.AddNode("Abs", [x], ["inner"]).Outputs[0]!);
        Assert.Null(TopologicalOrder.Of(Main));
    }

    [Fact]
    public void A_circle_through_a_body_is_an_error()
    {
        Value condition = Main.AddInput("c", OnnxType.Of(ElementType.Bool, []));
        Node branch = AddIf(condition, body => body.AddNode("Abs", [condition], ["inner"]).Outputs[0]!);
        branch.Bodies.First().Nodes.First().SetInput(0, branch.Outputs[0]);
        Assert.Contains("circle", Assert.Throws<OnnxException>(() => model.ToBytes()).Message);
    }

    [Fact]
    public void A_name_a_body_shares_with_an_outer_value_is_changed_on_writing()
    {
        Value condition = Main.AddInput("c", OnnxType.Of(ElementType.Bool, [])), x = Main.AddInput("x", Vector);
        Node branch = AddIf(condition, body => body.AddNode("Abs", [x], ["inner"]).Outputs[0]!);
        Output(branch.Outputs[0]!);
        foreach (Graph body in branch.Bodies)
            body.Outputs[0].TakeName("x"); // now 'x' means two things inside
        Model back = Reread(model);
        Node inner = back.Graph.Nodes.Single().Bodies.First().Nodes.Single();
        Assert.Same(back.Graph.Inputs[1], inner.Inputs[0]);
        Assert.NotEqual("x", inner.Outputs[0]!.Name);
    }

    [Fact]
    public void Equal_weight_names_in_two_bodies_are_told_apart_when_one_is_constrained()
    {
        Value condition = Main.AddInput("c", OnnxType.Of(ElementType.Bool, [])), x = Main.AddInput("x", Vector);
        Node branch = AddIf(condition, body => body.AddNode("Add", [x, body.AddInitializer("w", Tensor.Vector(1f, 2f, 0f))], ["inner"]).Outputs[0]!);
        Output(branch.Outputs[0]!);
        Value[] weights = [.. branch.Bodies.Select(b => b.Initializers.Single())];
        foreach (Value weight in weights)
            weight.TakeName("w");
        weights[1].Constraints.Add(new Constraint.Mask());
        Value[] back = [.. Reread(model).Graph.Nodes.Single().Bodies.Select(b => b.Initializers.Single())];
        Assert.Empty(back[0].Constraints);
        Assert.Equal([new Constraint.Mask()], back[1].Constraints);
    }

    [Fact]
    public void A_clone_is_equal_and_independent_and_shares_tensors()
    {
        Value condition = Main.AddInput("c", OnnxType.Of(ElementType.Bool, [])), x = Main.AddInput("x", Vector);
        Value w = Main.AddInitializer("w", Tensor.Vector(1f, 2f, 3f));
        w.Constraints.Add(new Constraint.NOfM(2, 4, 0));
        Node sum = Main.AddNode("Add", [x, w], ["sum"]);
        Node branch = AddIf(condition, body => body.AddNode("Mul", [sum.Outputs[0], w], ["inner"]).Outputs[0]!);
        AddIf(condition, _ => sum.Outputs[0]!); // gives out an outer value directly
        Output(branch.Outputs[0]!);
        Model clone = model.Clone(out IReadOnlyDictionary<Value, Value> copies);
        Assert.Empty(GraphComparer.Differences(model, clone));
        Assert.Same(w.Tensor, copies[w].Tensor);
        Assert.Equal(w.Constraints, copies[w].Constraints);
        Assert.Same(copies[sum.Outputs[0]!], clone.Graph.Nodes.Last().Bodies.First().Outputs[0]);
        Assert.All(clone.AllNodes(), n => Assert.All(n.Inputs, i => Assert.Same(clone, i!.Graph.Model)));
        copies[w].SetTensor(Tensor.Vector(9f));
        copies[sum.Outputs[0]!].ReplaceAllUsesWith(copies[x]);
        Assert.Equal(3, w.Tensor!.Length);
        Assert.Equal(2, sum.Outputs[0]!.Uses.Count);
    }

    private Node AddIf(Value condition, Func<Graph, Value> fill)
    {
        Graph then = Main.NewBody("then"), otherwise = Main.NewBody("else");
        then.AddOutput(fill(then));
        otherwise.AddOutput(fill(otherwise));
        return Main.AddNode("If", [condition], ["chosen"], [new("then_branch", then), new("else_branch", otherwise)]);
    }

    private static Model Reread(Model model) => Model.Load(new MemoryStream(model.ToBytes()));
}
