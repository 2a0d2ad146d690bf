using Tersor.Onnx.Protos;
using Tersor.Testing;

namespace Tersor.Onnx.Tests;

public sealed class RoundTripTests
{
    [Fact]
    public void Every_shared_model_reads_back_as_the_same_graph()
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        List<string> failures = [];
        int count = 0;
        foreach (string path in SharedFiles.BackendTests.Select(d => Path.Combine(d, "model.onnx")).Concat(SharedFiles.LightModels).Concat(SharedFiles.Models))
        {
            count++;
            try
            {
                Model model = Model.Load(path);
                byte[] once = model.ToBytes();
                byte[] twice = Model.Load(new MemoryStream(once)).ToBytes();
                byte[] clone = model.Clone().ToBytes();
                if (!once.AsSpan().SequenceEqual(twice) || !once.AsSpan().SequenceEqual(clone))
                    failures.Add($"{path}: differs");
            }
            catch (OnnxException e)
            {
                failures.Add(e.Message);
            }
        }
        Assert.Empty(failures);
        Assert.True(count > 1480);
    }

    [Fact]
    public void Everything_the_format_has_survives()
    {
        foreach (Model model in SyntheticModels.All())
        {
            byte[] once = model.ToBytes();
            Model back = Model.Load(new MemoryStream(once));
            Assert.Empty(GraphComparer.Differences(model, back));
            Assert.Empty(GraphComparer.Differences(model, model.Clone()));
            Assert.Equal(once, back.ToBytes());
        }
    }

    [Fact]
    public void Unknown_fields_comments_and_metadata_survive_byte_for_byte()
    {
        byte[] file = SyntheticModels.UnknownFieldsFile();
        ModelProto expected = ModelProto.Parser.ParseFrom(file), actual = ModelProto.Parser.ParseFrom(Model.Load(new MemoryStream(file)).ToBytes());
        // Typed data comes back as raw data; all else must be there as it was.
        AttributeProto constant = expected.Graph.Node[0].Attribute[1];
        constant.T.FloatData.Clear();
        constant.T.RawData = Google.Protobuf.ByteString.CopyFrom(0, 0, 0x80, 0x3F);
        Assert.Equal(expected.ToString(), actual.ToString());
        Assert.Equal(expected, actual); // unknown fields are part of equality, not of the text
        int count = System.Text.Encoding.Latin1.GetString(Model.Load(new MemoryStream(file)).Clone().ToBytes()).Split("from the future").Length - 1;
        Assert.Equal(8, count);
    }

    [Fact]
    public void Lists_of_numbers_take_no_tag_for_each_of_them()
    {
        Model model = new(opset: 21);
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, [1]));
        model.OpsetImports["ai.onnx.ml"] = 3;
        model.Graph.AddNode("TreeEnsembleRegressor", [x], ["y"],
            [new("nodes_values", Enumerable.Range(0, 1000).Select(i => i / 7f).ToArray()), new("nodes_featureids", Enumerable.Range(0, 1000).Select(i => (long)(i % 100)).ToArray())], "ai.onnx.ml");
        byte[] file = model.ToBytes();
        Assert.InRange(file.Length, 5000, 5300); // 4 bytes a float, 1 byte a small integer, and a little around them
        Node read = Model.Load(new MemoryStream(file)).AllNodes().Single();
        Assert.Equal((1000, 999 / 7f, 99L), (read.Floats("nodes_values")!.Length, read.Floats("nodes_values")![999], read.Ints("nodes_featureids")![999]));
    }

    [Fact]
    public void Constraints_survive_as_tags_and_disappear_with_their_weight()
    {
        Model model = new();
        Value x = model.Graph.AddInput("x", null), w = model.Graph.AddInitializer("w", Tensor.Vector(1f, 0f, 0f, 2f));
        Constraint[] all = [new Constraint.Mask(), new Constraint.NOfM(2, 4, 0), new Constraint.Codebook(16), new Constraint.Grid(8, 0), new Constraint.Grid(4, null), new Constraint.Tie("group")];
        foreach (Constraint constraint in all)
            w.Constraints.Add(constraint);
        Value c = model.Graph.AddNode("Constant", [], ["c"], [new("value", Tensor.Vector(1f))]).Outputs[0]!;
        c.Constraints.Add(all[0]);
        model.Graph.AddOutput(model.Graph.AddNode("Sum", [x, w, c], ["y"]).Outputs[0]!);
        Model back = Model.Load(new MemoryStream(model.ToBytes()));
        Assert.Equal(all, back.Graph.Initializers.Single().Constraints);
        Assert.Equal([all[0]], back.Graph.Nodes.First().Outputs[0]!.Constraints);
        Assert.Empty(back.Metadata); // tags are not shown as the owner's keys
        Node sum = back.Graph.Nodes.Last();
        Value gone = sum.Inputs[1]!;
        gone.ReplaceAllUsesWith(sum.Inputs[0]!);
        back.Graph.RemoveInitializer(gone);
        Assert.DoesNotContain("group", System.Text.Encoding.UTF8.GetString(back.ToBytes()));
    }

    [Fact]
    public void A_function_that_got_an_initializer_writes_it_as_a_Constant_node()
    {
        Model model = SyntheticModels.Functions();
        Graph body = model.Functions[1].Body;
        Node add = body.AddNode("Add", [body.Inputs[0], body.AddInitializer("offset", Tensor.Vector(1f, 2f, 3f))], ["sum"]);
        body.SetOutput(0, add.Outputs[0]!);
        Model back = Model.Load(new MemoryStream(model.ToBytes()));
        Assert.Contains(back.Functions[1].Body.Nodes, n => n.Is("Constant") && n.Outputs[0]!.Constant!.Length == 3);
        Editing.FunctionInliner.InlineAll(back); // the engine itself does not follow overloads into an If
        Dictionary<string, Tensor> feeds = new() { ["c"] = Tensor.Scalar(true), ["x"] = Tensor.Vector(1f, 1f, 1f) };
        Assert.Equal([2f, 3f, 4f], Running.Run(back, feeds)["y"].ToFloats());
    }
}
