namespace Tersor.Onnx.Tests.Inference;

public sealed class HandmadeModelTests
{
    [Theory]
    [InlineData("FusedMatMul")]
    [InlineData("Gelu")]
    [InlineData("QuickGelu")]
    [InlineData("SkipLayerNormalization")]
    [InlineData("MatMulNBits")]
    [InlineData("DynamicQuantizeMatMul")]
    [InlineData("QLinearAdd")]
    [InlineData("QLinearConcat")]
    [InlineData("QLinearGlobalAveragePool")]
    [InlineData("QLinearSigmoid")]
    [InlineData("FusedConv")]
    public void Operators_of_the_engine_have_the_shapes_running_gives(string opType)
    {
        Model model = new(21);
        model.OpsetImports["com.microsoft"] = 1;
        Graph graph = model.Graph;
        bool quantized = opType.StartsWith("QLinear", StringComparison.Ordinal);
        Value x = graph.AddInput("x", OnnxType.Of(ElementType.Float32, 2, 3, 8, 16));
        Value C(Tensor tensor) => graph.AddInitializer("c", tensor);
        Value R(params long[] shape) => C(RandomInputs.Make(ElementType.Float32, shape, 4));
        Value scale = C(Tensor.Scalar(0.02f)), zero = C(Tensor.Scalar((byte)128));
        Value q = quantized ? graph.AddNode("QuantizeLinear", [x, scale, zero], ["q"]).Outputs[0]! : x;
        Value flat = opType is "SkipLayerNormalization" ? graph.AddNode("Reshape", [x, C(Tensor.Vector(2L, 24L, 16L))], ["flat"]).Outputs[0]! : x;
        Value?[] inputs = opType switch
        {
            "FusedMatMul" => [x, R(5, 16)],
            "SkipLayerNormalization" => [flat, flat, R(16), R(16)],
            "MatMulNBits" => [x, C(Tensor.Create([6, 1, 8], new byte[48])), R(6)],
            "DynamicQuantizeMatMul" => [x, C(Tensor.Create([16, 5], new byte[80])), C(Tensor.Scalar(0.1f))],
            "QLinearAdd" => [q, scale, zero, C(Tensor.Create([8, 1], new byte[8])), scale, zero, scale, zero],
            "QLinearConcat" => [scale, zero, q, scale, zero, q, scale, zero],
            "QLinearGlobalAveragePool" or "QLinearSigmoid" => [q, scale, zero, scale, zero],
            "FusedConv" => [x, R(4, 3, 3, 3)],
            _ => [x],
        };
        Dictionary<string, NodeAttribute> attributes = opType switch
        {
            "FusedMatMul" => new() { ["transB"] = 1 },
            "MatMulNBits" => new() { ["K"] = 16, ["N"] = 6, ["bits"] = 4, ["block_size"] = 16 },
            "QLinearConcat" => new() { ["axis"] = 1 },
            "FusedConv" => new() { ["activation"] = "Relu", ["kernel_shape"] = new long[] { 3, 3 } },
            _ => [],
        };
        Value y = graph.AddNode(opType, inputs, ["y"], attributes, "com.microsoft").Outputs[0]!;
        y.Type = new OnnxType.Tensor(quantized ? ElementType.UInt8 : ElementType.Float32, null);
        graph.AddOutput(y);
        InferredAgainstObserved check = new();
        Assert.True(check.Check(opType, model, new Dictionary<string, Tensor> { ["x"] = RandomInputs.Make(ElementType.Float32, [2, 3, 8, 16], 1) }), "does not run");
        Assert.Empty(check.Failures);
        Assert.Equal(check.Values, check.Shapes);
    }

    [Fact]
    public void Symbols_pass_through_and_shape_arithmetic_on_them_folds_as_far_as_it_can()
    {
        Model model = new();
        Graph g = model.Graph;
        Value x = g.AddInput("x", OnnxType.Of(ElementType.Float32, "batch", 3, "height", 8));
        Value conv = g.AddNode("Conv", [x, g.AddInitializer("w", Tensor.Create([4, 3, 3, 3], new float[108]))], ["conv"], [new("pads", new long[] { 1, 1, 1, 1 })]).Outputs[0]!;
        Value shape = g.AddNode("Shape", [conv], ["shape"]).Outputs[0]!;
        Value batch = g.AddNode("Gather", [shape, g.AddInitializer("zero", Tensor.Scalar(0L))], ["batch"]).Outputs[0]!;
        Value axis = g.AddInitializer("axis", Tensor.Vector(0L));
        Value target = g.AddNode("Concat", [g.AddNode("Unsqueeze", [batch, axis], ["b"]).Outputs[0], g.AddInitializer("rest", Tensor.Vector(32L, -1L))], ["target"], [new("axis", 0)]).Outputs[0]!;
        Value y = g.AddNode("Reshape", [conv, target], ["y"]).Outputs[0]!;
        g.AddOutput(y);

        InferredTypes free = Onnx.ShapeInference.Infer(model);
        Assert.Equal("Float32 [batch,4,height,8]", free.TypeOf(conv)!.ToString());
        Assert.Equal("Float32 [batch,32,height]", free.TypeOf(y)!.ToString());
        Assert.Null(free.IntegersOf(shape));
        InferredTypes bound = Onnx.ShapeInference.Infer(model, new Dictionary<string, long> { ["batch"] = 2, ["height"] = 5 });
        Assert.Equal([2L, 32, 5], bound.FixedShapeOf(y)!);
        Assert.Equal([2L, 4, 5, 8], bound.IntegersOf(shape)!);
        InferredTypes shaped = Onnx.ShapeInference.Infer(model, null, new Dictionary<string, long[]> { ["x"] = [7, 3, 9, 8] });
        Assert.Equal([7L, 32, 9], shaped.FixedShapeOf(y)!);
    }

    [Fact]
    public void A_function_is_walked_for_every_call_and_its_attributes_are_the_callers()
    {
        Model model = new();
        model.OpsetImports["mine"] = 1;
        Function function = new(model, "mine", "Cat", "");
        function.OpsetImports[""] = 21;
        Value a = function.Body.AddInput("a", null), c = function.Body.AddNode("Concat", [a, a], ["c"], [new("axis", new NodeAttribute.Reference("at", 2))]).Outputs[0]!;
        function.Body.AddOutput(c);
        model.Functions.Add(function);
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, 2, 3));
        Node first = model.Graph.AddNode("Cat", [x], ["first"], [new("at", 0)], "mine"), second = model.Graph.AddNode("Cat", [first.Outputs[0]], ["second"], [new("at", 1)], "mine");
        model.Graph.AddOutput(second.Outputs[0]!);
        byte[] before = model.ToBytes();
        InferredTypes types = Onnx.ShapeInference.Infer(model);
        Assert.Equal([4L, 3], types.FixedShapeOf(first.Outputs[0]!)!);
        Assert.Equal([4L, 6], types.FixedShapeOf(second.Outputs[0]!)!);
        Assert.Equal([4L, 3], types.Inside(first)!.FixedShapeOf(c)!);
        Assert.Equal([4L, 6], types.Inside(second)!.FixedShapeOf(c)!);
        Assert.Equal(before, model.ToBytes());
    }

    [Fact]
    public void Branches_join_and_a_state_that_grows_has_no_size()
    {
        Model model = new();
        Graph g = model.Graph;
        Value x = g.AddInput("x", OnnxType.Of(ElementType.Float32, 2, 3)), choice = g.AddInput("c", OnnxType.Of(ElementType.Bool)), n = g.AddInput("n", OnnxType.Of(ElementType.Int64));
        Graph then = g.NewBody("then"), otherwise = g.NewBody("else"), body = g.NewBody("body");
        then.AddOutput(then.AddNode("Relu", [x], ["t"]).Outputs[0]!);
        otherwise.AddOutput(otherwise.AddNode("Concat", [x, x], ["e"], [new("axis", 1)]).Outputs[0]!);
        Value joined = g.AddNode("If", [choice], ["joined"], [new("then_branch", then), new("else_branch", otherwise)]).Outputs[0]!;
        body.AddInput("i", null);
        Value go = body.AddInput("go", null), grows = body.AddInput("grows", null), stays = body.AddInput("stays", null);
        body.AddOutput(body.AddNode("Identity", [go], ["on"]).Outputs[0]!);
        body.AddOutput(body.AddNode("Concat", [grows, x], ["longer"], [new("axis", 0)]).Outputs[0]!);
        body.AddOutput(body.AddNode("Relu", [stays], ["same"]).Outputs[0]!);
        body.AddOutput(body.AddNode("Transpose", [stays], ["item"]).Outputs[0]!);
        Node loop = g.AddNode("Loop", [n, null, x, x], ["all", "last", "items"], [new("body", body)]);
        foreach (Value? output in loop.Outputs.Prepend(joined))
            g.AddOutput(output!);
        InferredTypes types = Onnx.ShapeInference.Infer(model);
        Assert.Equal("Float32 [2,?]", types.TypeOf(joined)!.ToString());
        Assert.Equal("Float32 [?,3]", types.TypeOf(loop.Outputs[0]!)!.ToString());
        Assert.Equal("Float32 [2,3]", types.TypeOf(loop.Outputs[1]!)!.ToString());
        Assert.Equal("Float32 [?,3,2]", types.TypeOf(loop.Outputs[2]!)!.ToString());
    }

    [Fact]
    public void Functions_that_call_each_other_twice_over_and_over_take_bounded_time()
    {
        Model model = new();
        model.OpsetImports["mine"] = 1;
        for (int depth = 0; depth < 40; depth++)
        {
            Function function = new(model, "mine", $"F{depth}", "");
            function.OpsetImports[""] = 21;
            function.OpsetImports["mine"] = 1;
            Value value = function.Body.AddInput("a", null);
            for (int i = 0; i < 2; i++)
                value = function.Body.AddNode(depth == 0 ? "Relu" : $"F{depth - 1}", [value], ["b"], null, depth == 0 ? "" : "mine").Outputs[0]!;
            function.Body.AddOutput(value);
            model.Functions.Add(function);
        }
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, 2));
        Value shallow = model.Graph.AddNode("F3", [x], ["shallow"], null, "mine").Outputs[0]!, deep = model.Graph.AddNode("F39", [x], ["deep"], null, "mine").Outputs[0]!;
        model.Graph.AddOutput(deep);
        InferredTypes types = Onnx.ShapeInference.Infer(model);
        Assert.Equal([2L], types.FixedShapeOf(shallow)!);
        Assert.Null(types.FixedShapeOf(deep));
    }

    [Fact]
    public void A_chain_of_thousands_of_functions_is_given_up_and_not_followed_to_the_end_of_the_stack()
    {
        Model model = new();
        model.OpsetImports["mine"] = 1;
        for (int depth = 0; depth < 5000; depth++)
        {
            Function function = new(model, "mine", $"F{depth}", "");
            function.OpsetImports[""] = 21;
            function.OpsetImports["mine"] = 1;
            Value value = function.Body.AddInput($"a{depth}", null);
            function.Body.AddOutput(function.Body.AddNode(depth == 0 ? "Relu" : $"F{depth - 1}", [value], [$"b{depth}"], null, depth == 0 ? "" : "mine").Outputs[0]!);
            model.Functions.Add(function);
        }
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, 2));
        Value deep = model.Graph.AddNode("F4999", [x], ["deep"], null, "mine").Outputs[0]!;
        model.Graph.AddOutput(deep);
        InferredTypes types = Onnx.ShapeInference.Infer(model);
        Assert.Null(types.TypeOf(deep));
        Assert.Null(ModelCosts.Of(model, types).Macs);
    }
}
