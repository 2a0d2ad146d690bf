using Tersor.Testing;

namespace Tersor.Onnx.Tests.Costs;

public sealed class ModelCostsTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("models/fmnist_lenet300.onnx", 28 * 28 * 300 + 300 * 100 + 100 * 10, 266_610)]
    [InlineData("models/fmnist_lenet5.onnx", 24 * 24 * 20 * 25 + 8 * 8 * 50 * 20 * 25 + 800 * 500 + 500 * 10, 431_080)]
    public void The_small_classifiers_cost_what_their_layers_add_up_to(string file, long macs, long parameters)
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        Model model = Model.Load(SharedFiles.At(file));
        ModelCosts costs = ModelCosts.Of(model, Onnx.ShapeInference.Infer(model, null, new Dictionary<string, long[]> { [model.Graph.Inputs[0].Name] = [1, 1, 28, 28] }));
        output.WriteLine($"{costs.Macs} MACs, {costs.Parameters} parameters, {costs.ParameterBytes} bytes");
        Assert.Equal(macs, costs.Macs);
        Assert.Equal(parameters, costs.Parameters);
    }

    [Theory]
    [InlineData("light_resnet50.onnx", 4.089, 0.001)]
    [InlineData("light_vgg19.onnx", 19.632, 0.001)]
    [InlineData("light_squeezenet.onnx", 0.349, 0.005)]
    [InlineData("light_densenet121.onnx", 2.834, 0.001)]
    [InlineData("light_bvlc_alexnet.onnx", 0.66, 0.1)]
    [InlineData("light_inception_v1.onnx", 1.5, 0.1)]
    public void The_known_architectures_cost_what_is_published(string file, double giga, double relative)
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        Model model = Model.Load(SharedFiles.At("onnx-backend-tests", "light", file));
        ModelCosts costs = ModelCosts.Of(model, Onnx.ShapeInference.Infer(model));
        output.WriteLine($"{costs.Macs / 1e9} GMACs");
        Assert.NotNull(costs.Macs);
        Assert.InRange(costs.Macs.Value / 1e9, giga * (1 - relative), giga * (1 + relative));
    }

    [Fact]
    public void Every_family_counts_as_documented()
    {
        Assert.Equal(2 * 8 * 6 * 6 * 3 * 3, Macs("Conv", [[2, 8, 8, 8], [8, 1, 3, 3]], new() { ["group"] = 8 })); // depthwise
        Assert.Equal(1 * 4 * 6 * 6 * (8 / 2) * 3 * 3, Macs("Conv", [[1, 8, 8, 8], [4, 4, 3, 3]], new() { ["group"] = 2 }));
        Assert.Equal(1 * 8 * 5 * 5 * 4 * 2 * 2, Macs("ConvTranspose", [[1, 8, 5, 5], [8, 4, 2, 2]], new() { ["strides"] = new long[] { 2, 2 } }));
        Assert.Equal(3 * 4 * 5, Macs("Gemm", [[5, 3], [4, 5]], new() { ["transA"] = 1, ["transB"] = 1 }));
        Assert.Equal(2 * 7 * 3 * 4 * 5, Macs("MatMul", [[2, 7, 3, 5], [5, 4]], []));
        Assert.Equal(5, Macs("MatMul", [[5], [5]], []));
        Assert.Equal(2 * 3 * 4 * 5, Macs("Einsum", [[2, 3, 4], [2, 4, 5]], new() { ["equation"] = "bij,bjk->bik" }));
        Assert.Equal(6 * 2 * 2 * (4 * 16 * 10 + 4 * 16 * 16), Macs("LSTM", [[6, 2, 10], [2, 64, 10], [2, 64, 16]], new() { ["hidden_size"] = 16, ["direction"] = "bidirectional" }));
        Assert.Equal(6 * 2 * (3 * 16 * 10 + 3 * 16 * 16), Macs("GRU", [[6, 2, 10], [1, 48, 10], [1, 48, 16]], new() { ["hidden_size"] = 16 }));
        Assert.Equal(2 * 4 * 7 * 9 * (8 + 5), Macs("Attention", [[2, 4, 7, 8], [2, 4, 9, 8], [2, 4, 9, 5]], [], opset: 23));
        Assert.Equal(0, Macs("Relu", [[5]], []));
        Assert.Null(Macs("MatMul", [[-1, 5], [5, 4]], []));
    }

    [Fact]
    public void A_shared_weight_counts_at_each_reader_and_once_in_total_and_bytes_are_those_of_activations()
    {
        Model model = new();
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, 2, 4)), w = model.Graph.AddInitializer("w", Tensor.Create([4, 4], new float[16]));
        Value once = model.Graph.AddNode("MatMul", [x, w], ["once"]).Outputs[0]!;
        model.Graph.AddOutput(model.Graph.AddNode("MatMul", [once, w], ["twice"]).Outputs[0]!);
        ModelCosts costs = ModelCosts.Of(model, Onnx.ShapeInference.Infer(model));
        Assert.Equal([16L, 16L], costs.Nodes.Select(n => n.Parameters));
        Assert.Equal((16L, 64L, 64L), (costs.Parameters, costs.ParameterBytes, costs.Macs!.Value));
        Assert.Equal([64L, 64L], costs.Nodes.Select(n => n.ActivationBytes!.Value));
    }

    [Fact]
    public void The_costlier_branch_counts_and_a_loops_body_counts_every_round()
    {
        Model model = new();
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, 2, 4)), condition = model.Graph.AddInput("c", OnnxType.Of(ElementType.Bool));
        Value w = model.Graph.AddInitializer("w", Tensor.Create([4, 4], new float[16]));
        Graph then = model.Graph.NewBody("then"), otherwise = model.Graph.NewBody("else");
        then.AddOutput(then.AddNode("MatMul", [x, w], ["t"]).Outputs[0]!);
        otherwise.AddOutput(otherwise.AddNode("Relu", [x], ["e"]).Outputs[0]!);
        Value y = model.Graph.AddNode("If", [condition], ["y"], [new("then_branch", then), new("else_branch", otherwise)]).Outputs[0]!;
        Graph body = model.Graph.NewBody("body");
        body.AddInput("i", OnnxType.Of(ElementType.Int64));
        Value go = body.AddInput("go", OnnxType.Of(ElementType.Bool)), state = body.AddInput("s", null);
        body.AddOutput(body.AddNode("Identity", [go], ["on"]).Outputs[0]!);
        body.AddOutput(body.AddNode("MatMul", [state, w], ["next"]).Outputs[0]!);
        model.Graph.AddOutput(model.Graph.AddNode("Loop", [model.Graph.AddInitializer("n", Tensor.Scalar(5L)), null, y], ["z"], [new("body", body)]).Outputs[0]!);
        ModelCosts costs = ModelCosts.Of(model, Onnx.ShapeInference.Infer(model));
        Assert.Equal(32 + 5 * 32, costs.Macs);
        Assert.Equal(16, costs.Parameters);
    }

    private static long? Macs(string opType, long[][] shapes, Dictionary<string, NodeAttribute> attributes, int opset = 21)
    {
        Model model = new(opset);
        Value[] inputs = [.. shapes.Select((s, i) => model.Graph.AddInput($"x{i}", OnnxType.Of(ElementType.Float32, [.. s.Select(d => d < 0 ? default : (Dimension)d)])))];
        model.Graph.AddOutput(model.Graph.AddNode(opType, inputs, ["y"], attributes).Outputs[0]!);
        return ModelCosts.Of(model, Onnx.ShapeInference.Infer(model)).Macs;
    }
}
