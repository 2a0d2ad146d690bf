using Tersor.Onnx.Opsets;
using Tersor.Runtime;

namespace Tersor.Onnx.Tests.Opsets;

/// <summary>Handmade models for the steps that no backend test reaches: the old form against the new one, or, where no engine runs the old form, against figures worked out here.</summary>
public sealed class StepTests
{
    private static readonly Tensor Image = RandomInputs.Make(ElementType.Float32, [2, 3, 4, 5], 1);
    private static readonly Tensor Channels = RandomInputs.Make(ElementType.Float32, [3], 2);

    /// <summary>Attribute sets by case name; the case's operator is the part before a slash.</summary>
    public static TheoryData<string, int> SameInBothForms => new()
    {
        { "Hardmax", 11 }, { "Hardmax/0", 11 }, { "Hardmax/3", 11 }, { "Softmax/2", 12 }, { "LogSoftmax/-2", 12 },
        { "Resize/up", 10 }, { "Resize/down", 10 }, { "Resize/linear", 10 }, { "Upsample/7", 7 }, { "Upsample/9", 9 }, { "Upsample/linear", 9 },
        { "TopK", 9 }, { "RoiAlign", 10 }, { "GridSample", 16 }, { "GridSample/bicubic", 16 }, { "GroupNormalization", 18 },
        { "ReduceL1", 13 }, { "ReduceL2", 13 }, { "ReduceLogSum", 13 }, { "ReduceLogSumExp", 13 }, { "ReduceProd", 13 }, { "ReduceSumSquare", 13 }, { "ReduceMax", 13 }, { "ReduceMin", 12 },
        { "ReduceSum", 11 }, { "ReduceSum/all", 11 }, { "Clip", 6 }, { "Clip/min", 10 }, { "Pad/value", 10 }, { "Split", 12 }, { "Split/sizes", 12 }, { "Slice", 9 }, { "Squeeze", 12 }, { "Squeeze/axes", 11 }, { "Unsqueeze", 12 },
        { "Dropout", 7 }, { "Dropout", 10 }, { "Scatter", 10 }, { "BatchNormalization/spatial", 7 }, { "AveragePool/ceil", 11 }, { "AveragePool/include", 11 }, { "AveragePool/both", 11 }, { "MaxPool/ceil", 10 }, { "Flatten", 8 },
        { "InstanceNormalization", 6 }, { "Selu", 6 }, { "LpPool", 11 }, { "Mean", 8 },
        { "Neg", 6 }, { "DFT", 17 }, { "LSTM", 7 }, { "GRU", 7 }, { "RNN", 7 }, { "Sub", 7 }, { "Max", 8 }, { "Gemm", 7 }, { "GlobalLpPool", 2 },
    };

    [Theory]
    [MemberData(nameof(SameInBothForms))]
    public void A_raised_node_gives_the_bits_of_the_old_form(string name, int opset)
    {
        Model model = Build(name, opset);
        var before = BackendCase.TryRun(model, Feeds(model));
        Assert.True(before is not null, $"ONNX Runtime does not run {name} of operator set {opset}.");
        OpsetRaiser.Raise(model);
        using ModelSession session = new(model, BackendCase.AsWritten);
        foreach ((string output, Tensor value) in session.Run(Feeds(model)))
        {
            // Other operators round differently; so does ONNX Runtime's AveragePool from version 19 on, which adds in another order.
            if (name is "BatchNormalization/spatial" || name.StartsWith("AveragePool", StringComparison.Ordinal))
                Close(before[output], value, 2e-6f);
            else
                Assert.True(value.ContentEquals(before[output]), $"{output} differs");
        }
    }

    private static Dictionary<string, Tensor> Feeds(Model model) => model.Graph.Inputs.ToDictionary(v => v.Name, v => Tensor.Create([.. v.Type!.AsTensor!.FixedShape!], Image.ToFloats()));

    private static Model Build(string name, int opset)
    {
        string opType = name.Split('/')[0];
        Model model = new(opset, 8);
        Graph graph = model.Graph;
        long[] shape = name switch { "DFT" => [2, 15, 4, 1], "LSTM" or "GRU" or "RNN" => [4, 6, 5], "Gemm" => [8, 15], "Unsqueeze" or "Squeeze" or "Squeeze/axes" => [2, 1, 60, 1], _ => [2, 3, 4, 5] };
        Value x = graph.AddInput("x", OnnxType.Of(ElementType.Float32, [.. shape.Select(s => (Dimension)s)]));
        Value C(Tensor tensor) => graph.AddInitializer("c", tensor);
        Value R(params long[] dims) => C(RandomInputs.Make(ElementType.Float32, dims, dims.Length + 3));
        (Value?[] More, Dictionary<string, NodeAttribute> Attributes, int Outputs) form = name switch
        {
            "Hardmax/0" => (None, new() { ["axis"] = 0 }, 1),
            "Hardmax/3" => (None, new() { ["axis"] = 3 }, 1),
            "Softmax/2" => (None, new() { ["axis"] = 2 }, 1),
            "LogSoftmax/-2" => (None, new() { ["axis"] = -2 }, 1),
            "Resize/up" => ([C(Tensor.Vector(1f, 1f, 1.5f, 2.3f))], new() { ["mode"] = "nearest" }, 1),
            "Resize/down" => ([C(Tensor.Vector(1f, 1f, 0.75f, 0.4f))], [], 1),
            "Resize/linear" => ([C(Tensor.Vector(1f, 1f, 0.75f, 1.7f))], new() { ["mode"] = "linear" }, 1),
            "Upsample/7" => (None, new() { ["scales"] = new[] { 1f, 1f, 2f, 3f } }, 1),
            "Upsample/9" => ([C(Tensor.Vector(1f, 1f, 1.5f, 2.3f))], [], 1),
            "Upsample/linear" => ([C(Tensor.Vector(1f, 1f, 1.5f, 2.3f))], new() { ["mode"] = "linear" }, 1),
            "TopK" => (None, new() { ["k"] = 2, ["axis"] = 1 }, 2),
            "RoiAlign" => ([C(Tensor.Create([2, 4], [0.3f, 0.4f, 3.2f, 2.9f, 1f, 1f, 4f, 3f])), C(Tensor.Vector(0L, 1L))], new() { ["output_height"] = 2, ["output_width"] = 3, ["sampling_ratio"] = 2 }, 1),
            "GridSample" => ([R(2, 3, 3, 2)], [], 1),
            "GridSample/bicubic" => ([R(2, 3, 3, 2)], new() { ["mode"] = "bicubic", ["align_corners"] = 1 }, 1),
            "GroupNormalization" => ([R(3), R(3)], new() { ["num_groups"] = 3 }, 1),
            "ReduceSum/all" => (None, new() { ["keepdims"] = 0 }, 1),
            _ when opType.StartsWith("Reduce", StringComparison.Ordinal) => (None, new() { ["axes"] = new long[] { 1, 3 }, ["keepdims"] = 0 }, 1),
            "Clip" => (None, new() { ["min"] = -0.25f, ["max"] = 0.5f }, 1),
            "Clip/min" => (None, new() { ["min"] = 0.1f }, 1),
            "Pad/value" => (None, new() { ["pads"] = new long[] { 0, 0, 1, 2, 0, 0, 3, 0 }, ["value"] = 1.5f }, 1),
            "Split" => (None, new() { ["axis"] = 2 }, 2),
            "Split/sizes" => (None, new() { ["axis"] = 3, ["split"] = new long[] { 1, 4 } }, 2),
            "Slice" => (None, new() { ["starts"] = new long[] { 1, -3 }, ["ends"] = new long[] { 1000, 5 }, ["axes"] = new long[] { 1, 3 } }, 1),
            "Squeeze/axes" => (None, new() { ["axes"] = new long[] { 3 } }, 1),
            "Unsqueeze" => (None, new() { ["axes"] = new long[] { 0, 2 } }, 1),
            "Dropout" => (None, new() { ["ratio"] = 0.3f }, 1),
            "Scatter" => ([C(Tensor.Create([1, 1, 1, 2], [1L, 0L])), R(1, 1, 1, 2)], new() { ["axis"] = 3 }, 1),
            "BatchNormalization/spatial" => ([R(3, 4, 5), R(3, 4, 5), R(3, 4, 5), C(Tensor.Create([3, 4, 5], [.. Image.ToFloats().Take(60).Select(v => v * v)]))], new() { ["spatial"] = 0 }, 1),
            "AveragePool/ceil" => (None, new() { ["kernel_shape"] = new long[] { 3, 3 }, ["strides"] = new long[] { 2, 2 }, ["pads"] = new long[] { 1, 1, 1, 1 }, ["ceil_mode"] = 1 }, 1),
            "AveragePool/both" => (None, new() { ["kernel_shape"] = new long[] { 3, 3 }, ["strides"] = new long[] { 2, 2 }, ["pads"] = new long[] { 1, 1, 1, 1 }, ["ceil_mode"] = 1, ["count_include_pad"] = 1 }, 1),
            "AveragePool/include" => (None, new() { ["kernel_shape"] = new long[] { 3, 2 }, ["strides"] = new long[] { 2, 2 }, ["pads"] = new long[] { 1, 1, 1, 1 }, ["count_include_pad"] = 1 }, 1),
            "MaxPool/ceil" => (None, new() { ["kernel_shape"] = new long[] { 2, 2 }, ["strides"] = new long[] { 2, 2 }, ["ceil_mode"] = 1 }, 1),
            "InstanceNormalization" => ([R(3), R(3)], [], 1),
            "LpPool" => (None, new() { ["kernel_shape"] = new long[] { 2, 2 }, ["p"] = 3 }, 1),
            "DFT" => (None, new() { ["onesided"] = 1, ["axis"] = 1 }, 1),
            "LSTM" => ([R(1, 12, 5), R(1, 12, 3), R(1, 24)], new() { ["hidden_size"] = 3 }, 3),
            "GRU" => ([R(1, 9, 5), R(1, 9, 3), R(1, 18)], new() { ["hidden_size"] = 3, ["linear_before_reset"] = 1 }, 2),
            "RNN" => ([R(1, 3, 5), R(1, 3, 3)], new() { ["hidden_size"] = 3 }, 2),
            "Sub" or "Max" or "Mean" => ([R(4, 5)], [], 1),
            "Gemm" => ([R(15, 4), R(4)], [], 1),
            "GlobalLpPool" => (None, new() { ["p"] = 2 }, 1),
            _ => (None, [], 1),
        };
        (Value?[] rest, Dictionary<string, NodeAttribute> attributes, int outputs) = form;
        Node node = graph.AddNode(opType, [x, .. rest], [.. Enumerable.Range(0, outputs).Select(i => $"y{i}")], attributes);
        foreach (Value? y in node.Outputs)
            graph.AddOutput(y!);
        for (int i = 0; i < outputs; i++)
            node.Outputs[i]!.Type = new OnnxType.Tensor(opType == "TopK" && i == 1 ? ElementType.Int64 : ElementType.Float32, null);
        return model;
    }

    private static Value?[] None => [];

    [Theory]
    [InlineData("Add")]
    [InlineData("Sub")]
    [InlineData("Mul")]
    [InlineData("Div")]
    public void Operands_aligned_at_an_axis_stay_aligned_there(string opType)
    {
        Tensor result = RunRaised(1, opType, [Image, Channels], new() { ["broadcast"] = 1, ["axis"] = 1, ["consumed_inputs"] = new long[] { 0, 0 } });
        float[] x = Image.ToFloats(), c = Channels.ToFloats();
        Close(Tensor.Create([2, 3, 4, 5], [.. x.Select((v, i) => opType switch { "Add" => v + c[i / 20 % 3], "Sub" => v - c[i / 20 % 3], "Mul" => v * c[i / 20 % 3], _ => v / c[i / 20 % 3] })]), result, 0);
    }

    [Fact]
    public void Comparisons_and_logic_aligned_at_an_axis_stay_aligned_there()
    {
        Tensor bits = RandomInputs.Make(ElementType.Bool, [2, 3, 4, 5], 3), row = Tensor.Vector(true, false, true);
        Dictionary<string, NodeAttribute> axis = new() { ["broadcast"] = 1, ["axis"] = 1 };
        float[] x = Image.ToFloats(), c = Channels.ToFloats();
        bool[] b = bits.Span<bool>().ToArray(), r = row.Span<bool>().ToArray();
        Assert.Equal(x.Select((v, i) => v > c[i / 20 % 3]), RunRaised(6, "Greater", [Image, Channels], axis).Span<bool>().ToArray());
        Assert.Equal(x.Select((v, i) => v < c[i / 20 % 3]), RunRaised(6, "Less", [Image, Channels], axis).Span<bool>().ToArray());
        Assert.Equal(b.Select((v, i) => v & r[i / 20 % 3]), RunRaised(6, "And", [bits, row], axis).Span<bool>().ToArray());
        Assert.Equal(b.Select((v, i) => v | r[i / 20 % 3]), RunRaised(6, "Or", [bits, row], axis).Span<bool>().ToArray());
        Assert.Equal(b.Select((v, i) => v ^ r[i / 20 % 3]), RunRaised(6, "Xor", [bits, row], axis).Span<bool>().ToArray());
        Assert.Equal(b.Select((v, i) => v == r[i / 20 % 3]), RunRaised(6, "Equal", [bits, row], axis).Span<bool>().ToArray());
        Tensor squares = Tensor.Vector(2f, 3f, 1f);
        Close(Tensor.Create([2, 3, 4, 5], [.. x.Select((v, i) => MathF.Pow(v, squares.ToFloats()[i / 20 % 3]))]), RunRaised(6, "Pow", [Image, squares], axis), 1e-6f);
    }

    [Fact]
    public void A_slope_stays_one_number_a_channel()
    {
        float[] c = Channels.ToFloats();
        Close(Tensor.Create([2, 3, 4, 5], [.. Image.ToFloats().Select((v, i) => v < 0 ? v * c[i / 20 % 3] : v)]), RunRaised(6, "PRelu", [Image, Channels], []), 0);
    }

    [Theory]
    [InlineData("Abs")]
    [InlineData("Ceil")]
    [InlineData("Elu")]
    [InlineData("Exp")]
    [InlineData("Floor")]
    [InlineData("HardSigmoid")]
    [InlineData("LeakyRelu")]
    [InlineData("Log")]
    [InlineData("Max")]
    [InlineData("Mean")]
    [InlineData("Min")]
    [InlineData("Neg")]
    [InlineData("Reciprocal")]
    [InlineData("Relu")]
    [InlineData("Sigmoid")]
    [InlineData("Sqrt")]
    [InlineData("Sum")]
    [InlineData("Tanh")]
    public void The_hint_about_overwriting_inputs_goes(string opType)
    {
        Tensor modern = RunRaised(13, opType, [Image], []);
        Assert.True(modern.ContentEquals(RunRaised(1, opType, [Image], new() { ["consumed_inputs"] = new long[] { 0 } })));
    }

    [Fact]
    public void Old_spellings_get_their_new_ones()
    {
        float[] x = Image.ToFloats();
        Assert.Equal(x.Select(v => (int)v), RunRaised(1, "Cast", [Image], new() { ["to"] = "INT32" }).Span<int>().ToArray());
        Assert.Equal([2L, 6, 4, 5], [.. RunRaised(1, "Concat", [Image, Image], []).Shape]);
        Assert.Equal([2L, 3, 6, 8], [.. RunRaised(1, "Pad", [Image], new() { ["paddings"] = new long[] { 0, 0, 1, 2, 0, 0, 1, 1 } }).Shape]);
        Assert.Equal([6L, 20], [.. RunRaised(1, "Reshape", [Image], new() { ["shape"] = new long[] { 6, -1 } }).Shape]);
        Assert.Equal([2L, 3, 8, 15], [.. RunRaised(1, "Upsample", [Image], new() { ["height_scale"] = 2f, ["width_scale"] = 3f }).Shape]);
        Assert.Equal([2L, 6, 4, 5], [.. RunRaised(1, "Tile", [Image, Tensor.Vector(2f), Tensor.Vector(1f)], [], constants: true).Shape]);
        Assert.Equal([2L, 1, 4, 5], [.. RunRaised(1, "Split", [Image, Tensor.Vector(1f, 2f)], new() { ["axis"] = 1 }, constants: true, outputs: 2).Shape]);
        Assert.Equal([2L, 3, 3, 4], [.. RunRaised(1, "LpPool", [Image], new() { ["kernel_shape"] = new long[] { 2, 2 }, ["p"] = 2f }).Shape]);
        Assert.Equal([2L, 3, 1, 1], [.. RunRaised(1, "GlobalLpPool", [Image], new() { ["p"] = 2f }).Shape]);
        Close(Tensor.Create([2, 3, 4, 5], [.. x.Select(v => v > 0 ? 1.0507f * v : 1.0507f * 1.6732f * (MathF.Exp(v) - 1))]), RunRaised(1, "Selu", [Image], []), 1e-6f);
        Close(Image, RunRaised(1, "Dropout", [Image], new() { ["is_test"] = 1, ["consumed_inputs"] = new long[] { 0 } }), 0);
        Tensor clipped = RunRaised(1, "Clip", [Image], new() { ["min"] = 0f, ["consumed_inputs"] = new long[] { 0 } });
        Close(Tensor.Create([2, 3, 4, 5], [.. x.Select(v => Math.Max(v, 0))]), clipped, 0);
    }

    [Fact]
    public void Old_normalization_in_inference_form_runs_raised()
    {
        Tensor ones = Tensor.Vector(1f, 1f, 1f), zeros = Tensor.Vector(0f, 0f, 0f);
        Tensor result = RunRaised(1, "BatchNormalization", [Image, ones, zeros, zeros, ones], new() { ["is_test"] = 1, ["epsilon"] = 0f, ["consumed_inputs"] = new long[] { 0, 0, 0, 1, 1 } });
        Close(Image, result, 1e-6f);
        Tensor instance = RunRaised(1, "InstanceNormalization", [Image, ones, zeros], new() { ["consumed_inputs"] = new long[] { 0 } });
        Assert.True(instance.ContentEquals(RunRaised(13, "InstanceNormalization", [Image, ones, zeros], [])));
    }

    [Theory]
    [InlineData(ElementType.Float64)]
    [InlineData(ElementType.Float16)]
    public void A_number_that_becomes_an_input_gets_the_type_the_node_computes_in(ElementType type)
    {
        Model model = new(9, 8);
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, 2, 3, 4, 5));
        Value cast = model.Graph.AddNode("Cast", [x], ["cast"], [new("to", (long)type)]).Outputs[0]!; // the file declares nothing of it
        Value clip = model.Graph.AddNode("Clip", [cast], ["clip"], [new("min", -0.25f), new("max", 0.5f)]).Outputs[0]!;
        Value pad = model.Graph.AddNode("Pad", [clip], ["pad"], [new("pads", new long[] { 0, 0, 0, 1, 0, 0, 0, 0 }), new("value", 0.125f)]).Outputs[0]!;
        Value y = model.Graph.AddNode("Cast", [pad], ["y"], [new("to", 1)]).Outputs[0]!;
        y.Type = new OnnxType.Tensor(ElementType.Float32, null);
        model.Graph.AddOutput(y);
        OpsetRaiser.Raise(model);
        using ModelSession session = new(model, BackendCase.AsWritten);
        float[] found = session.Run(new Dictionary<string, Tensor> { ["x"] = Image })["y"].ToFloats();
        float[] expected = [.. Image.ToFloats().Chunk(5).SelectMany(row => row.Select(v => type == ElementType.Float16 ? (float)(Half)v : v).Select(v => Math.Clamp(v, -0.25f, 0.5f)).Prepend(0.125f))];
        Assert.Equal(expected, found);
    }

    private static Tensor RunRaised(int opset, string opType, Tensor[] inputs, Dictionary<string, NodeAttribute> attributes, bool constants = false, int outputs = 1)
    {
        Model model = new(opset, 3);
        Value[] values = [.. inputs.Select((t, i) => constants && i > 0 ? model.Graph.AddInitializer($"x{i}", t) : model.Graph.AddInput($"x{i}", OnnxType.Of(t)))];
        Node node = model.Graph.AddNode(opType, values, [.. Enumerable.Range(0, outputs).Select(i => $"y{i}")], attributes);
        foreach (Value? y in node.Outputs)
            model.Graph.AddOutput(y!);
        OpsetRaiser.Raise(model);
        // What the model gives out must be declared; the element type of the old form is that of the new one.
        for (int i = 0; i < outputs; i++)
        {
            ElementType type = opType is "Cast" ? ElementType.Int32 : opType is "Greater" or "Less" or "And" or "Or" or "Xor" or "Equal" ? ElementType.Bool : ElementType.Float32;
            model.Graph.Outputs[i].Type = new OnnxType.Tensor(type, null);
        }
        using ModelSession session = new(model, BackendCase.AsWritten);
        return session.Run(inputs.Select((t, i) => ($"x{i}", t)).ToDictionary())["y0"];
    }

    private static void Close(Tensor expected, Tensor found, float tolerance)
    {
        Assert.Equal(expected.Shape, found.Shape);
        foreach ((float e, float f) in expected.ToFloats().Zip(found.ToFloats()))
            Assert.True(Math.Abs(e - f) <= tolerance * Math.Max(1, Math.Abs(e)), $"expected {e}, found {f}");
    }
}
