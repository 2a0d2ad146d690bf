using Tersor.Onnx.Roles;
using Tersor.Testing;

namespace Tersor.Onnx.Tests.Roles;

/// <summary>What constants are, as their use shows.</summary>
public sealed class ConstantRolesTests
{
    private const float Infinite = float.NegativeInfinity;

    [Theory]
    [InlineData(-1e4f)]
    [InlineData(-100f)]
    [InlineData(-5f)]
    [InlineData(Infinite)]
    [InlineData(float.MinValue)]
    public void What_is_added_to_scores_and_takes_positions_out_is_a_mask_whatever_its_size(float far)
    {
        Assert.Equal(ConstantRole.Mask, Role(Attention((graph, scores) => graph.Apply("Add", [scores, graph.AddInitializer("c", Causal(far))])), "c"));
        // Added first, scaled and converted on the way to the Softmax; behind an Unsqueeze.
        Assert.Equal(ConstantRole.Mask, Role(Attention((graph, scores) =>
        {
            Value mask = graph.Apply("Unsqueeze", [graph.AddInitializer("c", Causal(far)), graph.AddInitializer("axes", Tensor.Vector([0L]))]);
            return graph.Apply("Cast", [graph.Apply("Div", [graph.Apply("Add", [mask, scores]), graph.AddInitializer("two", Tensor.Scalar(2f))])], ("to", (long)ElementType.Float32));
        }), "c"));
    }

    [Fact]
    public void A_learned_bias_of_attention_is_none()
    {
        Assert.Equal(ConstantRole.ScaleOrShift, Role(Attention((graph, scores) => graph.Apply("Add", [scores, graph.AddInitializer("c", Build.Normal(1, 0.02, 4, 4))])), "c"));
        // Rows of a table that were looked up once and for all, fresh: zeros.
        Assert.Equal(ConstantRole.Table, Role(Attention((graph, scores) =>
        {
            Value rows = graph.Apply("Gather", [graph.AddInitializer("c", Tensor.Create([7], new float[7])), graph.AddInitializer("places", Tensor.Create([4, 4], Enumerable.Range(0, 16).Select(i => i / 4L - i % 4 + 3).ToArray()))]);
            return graph.Apply("Add", [scores, rows]);
        }), "c"));
    }

    [Fact]
    public void Distances_and_masks_in_other_forms_are_masks()
    {
        float[] distances = [.. Enumerable.Range(0, 16).Select(i => -0.25f * (i % 4))];
        Assert.Equal(ConstantRole.Mask, Role(Attention((graph, scores) => graph.Apply("Add", [scores, graph.AddInitializer("c", Tensor.Create([1, 1, 4, 4], distances))])), "c"));
        Assert.Equal(ConstantRole.Mask, Role(Attention((graph, scores) => graph.Apply("Where", [graph.AddInitializer("keep", Tensor.Create([4, 4], new bool[16])), scores, graph.AddInitializer("c", Tensor.Scalar(-100f))])), "c"));
        Assert.Equal(ConstantRole.Mask, Role(Activations((graph, x) => graph.Apply("Mul", [Stem(graph, x), graph.AddInitializer("c", Tensor.Vector([0f, 1, 1, 0]))])), "c"));
        Assert.Equal(ConstantRole.ScaleOrShift, Role(Activations((graph, x) => graph.Apply("Mul", [Stem(graph, x), graph.AddInitializer("c", Tensor.Vector([1f, 1, 1, 1]))])), "c"));
    }

    [Fact]
    public void The_bias_of_a_classifier_with_two_values_is_a_bias()
    {
        Model model = Activations((graph, x) => graph.Apply("Softmax", [graph.Apply("Add", [graph.Apply("MatMul", [x, graph.AddInitializer("w", Build.Normal(1, 1, 4, 4))]), graph.AddInitializer("c", Tensor.Vector([0f, -3, 0, -3]))])]));
        Assert.Equal(ConstantRole.Bias, Role(model, "c"));
        Assert.Equal(ConstantRole.Weight, Role(model, "w"));
    }

    [Theory]
    [InlineData("", ElementType.Float32)]
    [InlineData("Cast", ElementType.UInt8)]
    [InlineData("Transpose", ElementType.Float32)]
    [InlineData("Transpose,Cast", ElementType.UInt8)]
    [InlineData("Cast,Slice,Pad", ElementType.UInt8)]
    [InlineData("Resize", ElementType.Float32)]
    public void Mean_and_scale_of_preprocessing_are_that_behind_whatever_prepares_the_input_too(string before, ElementType type)
    {
        Model model = new(17, irVersion: 8);
        Graph graph = model.Graph;
        Value y = graph.AddInput("x", OnnxType.Of(type, [1, 3, 8, 8]));
        foreach (string step in before.Split(',', StringSplitOptions.RemoveEmptyEntries))
            y = Prepared(graph, y, step);
        y = graph.Apply("Div", [y, graph.AddInitializer("range", Tensor.Scalar(255f))]);
        y = graph.Apply("Sub", [y, graph.AddInitializer("mean", Channels(0.4f, 0.5f, 0.6f))]);
        y = graph.Apply("Mul", [graph.AddInitializer("scale", Channels(5, 4, 3)), y]);
        y = graph.Conv(y, 1, 3, 4);
        graph.AddOutput(graph.Apply("Mul", [y, graph.AddInitializer("later", Tensor.Create([1, 4, 1, 1], new[] { 1f, 2, 3, 4 }))]));
        Assert.Equal([ConstantRole.Preprocessing, ConstantRole.Preprocessing, ConstantRole.Preprocessing, ConstantRole.ScaleOrShift], new[] { "range", "mean", "scale", "later" }.Select(n => Role(model, n)));
    }

    [Fact]
    public void Positions_that_are_added_to_a_sequence_of_features_are_learned()
    {
        Model model = Build.Model(["n", 6, 4], (graph, x) => graph.Apply("MatMul", [graph.Apply("Add", [x, graph.AddInitializer("c", Build.Normal(1, 1, 6, 4))]), graph.AddInitializer("w", Build.Normal(2, 1, 4, 4))]));
        Assert.Equal(ConstantRole.ScaleOrShift, Role(model, "c"));
    }

    [Fact]
    public void What_ends_in_a_setting_is_one_through_arithmetic_too()
    {
        Model model = Activations((graph, x) =>
        {
            Value scales = graph.Apply("Concat", [graph.AddInitializer("batch", Tensor.Vector([1f, 1])), graph.Apply("Mul", [graph.AddInitializer("half", Tensor.Vector([1f, 1])), graph.AddInitializer("twice", Tensor.Vector([2f, 2]))])], ("axis", 0L));
            return graph.Apply("Resize", [x, null, scales]);
        }, 1, 4, 8, 8);
        Assert.All(new[] { "batch", "half", "twice" }, name => Assert.Equal(ConstantRole.Setting, Role(model, name)));
        // Computed from a shape: sizes, and the floats they were computed with.
        Model computed = Activations((graph, x) =>
        {
            Value size = graph.Apply("Cast", [graph.Apply("Shape", [x])], ("to", (long)ElementType.Float32));
            Value scaled = graph.Apply("Floor", [graph.Apply("Mul", [size, graph.AddInitializer("c", Tensor.Vector([1f, 1, 2, 2]))])]);
            return graph.Apply("Resize", [x, null, null, graph.Apply("Cast", [scaled], ("to", (long)ElementType.Int64))]);
        }, 1, 4, 8, 8);
        Assert.Equal(ConstantRole.Setting, Role(computed, "c"));
        Model compared = Activations((graph, x) => graph.Apply("Where", [graph.Apply("Greater", [x, graph.AddInitializer("c", Build.Normal(1, 1, 4))]), x, graph.Apply("Neg", [x])]));
        Assert.Equal(ConstantRole.Setting, Role(compared, "c"));
    }

    [Fact]
    public void The_ones_and_zeros_inside_an_exported_group_normalization_stand_for_nothing()
    {
        Model Normalized(bool grouped) => Activations((graph, x) =>
        {
            Value shape = graph.AddInitializer("shape", Tensor.Vector([0L, 2, -1])), y = grouped ? graph.Apply("Reshape", [x, shape]) : x;
            int count = grouped ? 2 : 4;
            y = graph.Apply("InstanceNormalization", [y, graph.AddInitializer("ones", Tensor.Vector([.. Enumerable.Repeat(1f, count)])), graph.AddInitializer("zeros", Tensor.Vector(new float[count]))]);
            y = grouped ? graph.Apply("Reshape", [y, graph.Apply("Shape", [x])]) : y;
            return graph.Apply("Add", [graph.Apply("Mul", [y, graph.AddInitializer("scale", Channels(1, 2, 3, 4))]), graph.AddInitializer("shift", Channels(1, 2, 3, 4))]);
        }, 1, 4, 8, 8);
        Assert.Equal([ConstantRole.Unit, ConstantRole.Unit, ConstantRole.ScaleOrShift, ConstantRole.ScaleOrShift], new[] { "ones", "zeros", "scale", "shift" }.Select(n => Role(Normalized(true), n)));
        Assert.Equal([ConstantRole.NormalizationScale, ConstantRole.NormalizationShift], new[] { "ones", "zeros" }.Select(n => Role(Normalized(false), n)));
    }

    [Theory]
    [InlineData("Slice")]
    [InlineData("Split")]
    [InlineData("Concat")]
    [InlineData("Gather")]
    [InlineData("Identity")]
    [InlineData("Cast")]
    [InlineData("Transpose")]
    [InlineData("Reshape")]
    [InlineData("Expand")]
    [InlineData("Normalized")] // its numbers divided by their norm
    public void A_weight_is_one_behind_whatever_moves_constants(string step)
    {
        Model model = Activations((graph, x) => graph.Apply("MatMul", [x, Moved(graph, graph.AddInitializer("c", step is "Slice" or "Split" ? Build.Normal(1, 1, 8, 4) : step == "Concat" ? Build.Normal(1, 1, 2, 4) : Build.Normal(1, 1, 4, 4)), step)]));
        ConstantUse use = Assert.Single(ConstantRoles.Of(model).UsesOf(Constant(model, "c")));
        Assert.Equal((ConstantRole.Weight, "MatMul", 1), (use.Role, use.Node!.OpType, use.InputIndex));
    }

    [Fact]
    public void Rows_that_the_input_looks_up_are_no_constants()
    {
        Model model = new(17, irVersion: 8);
        Graph graph = model.Graph;
        Value x = graph.AddInput("x", OnnxType.Of(ElementType.Int64, [1, 4])), rows = graph.Apply("Gather", [graph.AddInitializer("table", Build.Normal(1, 1, 9, 4)), x]);
        graph.AddOutput(graph.Apply("Softmax", [graph.Apply("Add", [graph.Apply("MatMul", [rows, graph.Apply("Transpose", [rows], ("perm", new[] { 0L, 2, 1 }))]), graph.AddInitializer("mask", Causal(-100))])]));
        Assert.Equal([ConstantRole.Table, ConstantRole.Mask], new[] { "table", "mask" }.Select(n => Role(model, n)));
    }

    [Fact]
    public void Integers_with_a_step_are_a_quantized_weight()
    {
        Model model = Activations((graph, x) =>
        {
            Value integers = graph.AddInitializer("q", Tensor.Create([4, 4], new sbyte[16]));
            Value weight = graph.Apply("Mul", [graph.Apply("Cast", [integers], ("to", (long)ElementType.Float32)), graph.AddInitializer("c", Tensor.Vector([1f, 2, 3, 4]))]);
            return graph.Apply("MatMul", [x, weight]);
        });
        Assert.Equal(ConstantRole.QuantizationParameter, Role(model, "c"));
        Assert.Equal(ConstantRole.QuantizedWeight, Role(model, "q"));
    }

    [Theory]
    [InlineData(true)] // LayerNormalization
    [InlineData(false)] // RMSNormalization
    public void Scale_and_shift_of_a_normalization_that_is_written_out_on_the_input_are_learned(bool centred)
    {
        Model model = Activations((graph, x) =>
        {
            Value far = centred ? graph.Apply("Sub", [x, graph.Apply("ReduceMean", [x], ("axes", new[] { -1L }))]) : x;
            Value size = graph.Apply("Sqrt", [graph.Apply("Add", [graph.Apply("ReduceMean", [graph.Apply("Pow", [far, graph.AddInitializer("two", Tensor.Scalar(2f))])], ("axes", new[] { -1L })), graph.AddInitializer("epsilon", Tensor.Scalar(1e-5f))])]);
            Value y = graph.Apply("Mul", [graph.Apply("Div", [far, size]), graph.AddInitializer("c", Tensor.Vector([1f, 1, 1, 1]))]);
            return graph.Apply("MatMul", [graph.Apply("Add", [y, graph.AddInitializer("b", Tensor.Vector(new float[4]))]), graph.AddInitializer("w", Build.Normal(1, 1, 4, 4))]);
        });
        Assert.Equal([ConstantRole.ScaleOrShift, ConstantRole.ScaleOrShift], new[] { "c", "b" }.Select(n => Role(model, n)));
        Assert.All(new[] { "two", "epsilon" }, n => Assert.False(ConstantRoles.IsTrained(Role(model, n))));
        // By its own mean and deviation constants it is prepared.
        Assert.Equal(ConstantRole.Preprocessing, Role(Activations((graph, x) => graph.Apply("Div", [graph.Apply("Sub", [x, graph.AddInitializer("mean", Tensor.Vector([1f, 2, 3, 4]))]), graph.AddInitializer("c", Tensor.Vector([1f, 2, 3, 5]))])), "c"));
    }

    [Fact]
    public void Sines_and_cosines_of_rotary_positions_are_no_weights()
    {
        Model model = Activations((graph, x) =>
        {
            Value y = Stem(graph, x), axes = graph.AddInitializer("axes", Tensor.Vector([-1L]));
            Value Half(long from, long to) => graph.Apply("Slice", [y, graph.AddInitializer($"from{from}", Tensor.Vector([from])), graph.AddInitializer($"to{to}", Tensor.Vector([to])), axes]);
            Value turned = graph.Apply("Concat", [graph.Apply("Neg", [Half(2, 4)]), Half(0, 2)], ("axis", -1L));
            return graph.Apply("Add", [graph.Apply("Mul", [y, graph.AddInitializer("cos", Build.Normal(1, 1, 4))]), graph.Apply("Mul", [turned, graph.AddInitializer("sin", Build.Normal(2, 1, 4))])]);
        });
        Assert.Equal([ConstantRole.Coefficient, ConstantRole.Coefficient], new[] { "cos", "sin" }.Select(n => Role(model, n)));
        // A gate beside a residual has no turned half.
        Assert.Equal(ConstantRole.ScaleOrShift, Role(Activations((graph, x) => Stem(graph, x) is var y ? graph.Apply("Add", [graph.Apply("Mul", [y, graph.AddInitializer("c", Build.Normal(1, 1, 4))]), graph.Apply("Mul", [graph.Apply("Neg", [y]), graph.AddInitializer("d", Build.Normal(2, 1, 4))])]) : y), "c"));
    }

    [Fact]
    public void A_bias_that_falls_off_to_both_sides_is_a_mask()
    {
        float[] distances = [.. Enumerable.Range(0, 16).Select(i => -0.25f * Math.Abs(i % 4 - i / 4))];
        Assert.Equal(ConstantRole.Mask, Role(Attention((graph, scores) => graph.Apply("Add", [scores, graph.AddInitializer("c", Tensor.Create([1, 1, 4, 4], distances))])), "c"));
    }

    [Fact]
    public void What_makes_boxes_of_a_detectors_answers_is_no_weight()
    {
        Model model = Activations((graph, x) =>
        {
            Value shares = graph.Apply("Softmax", [Stem(graph, x)], ("axis", -1L)), distance = graph.Apply("MatMul", [shares, graph.AddInitializer("places", Tensor.Create([4, 1], new[] { 0f, 1, 2, 3 }))]);
            Value moved = graph.Apply("Sub", [graph.AddInitializer("anchors", Tensor.Create([1, 3], new[] { 0.5f, 1.5f, 2.5f })), distance]);
            return graph.Apply("Mul", [moved, graph.AddInitializer("strides", Tensor.Create([1, 3], new[] { 8f, 16, 32 }))]);
        });
        Assert.All(new[] { "places", "anchors", "strides" }, n => Assert.Equal(ConstantRole.Coefficient, Role(model, n)));
        // In front of another layer the same numbers may be learned.
        Assert.Equal(ConstantRole.ScaleOrShift, Role(Activations((graph, x) => graph.Apply("MatMul", [graph.Apply("Mul", [Stem(graph, x), graph.AddInitializer("c", Tensor.Vector([8f, 16, 32, 64]))]), graph.AddInitializer("w", Build.Normal(1, 1, 4, 4))])), "c"));
    }

    [Fact]
    public void One_number_for_all_channels_of_a_product_and_what_features_are_standardized_with_are_not_learned()
    {
        Model model = Activations((graph, x) =>
        {
            Value energies = graph.Apply("Add", [graph.Apply("MatMul", [x, graph.AddInitializer("bank", Build.Normal(1, 1, 4, 4))]), graph.AddInitializer("epsilon", Tensor.Vector([1e-6f]))]);
            Value standard = graph.Apply("Div", [graph.Apply("Sub", [graph.Apply("Log", [energies]), graph.AddInitializer("mean", Tensor.Vector([-3f, -2, -3, -4]))]), graph.AddInitializer("deviation", Tensor.Vector([2f, 2, 2, 1]))]);
            return graph.Apply("Add", [graph.Apply("MatMul", [standard, graph.AddInitializer("w", Build.Normal(2, 1, 4, 1))]), graph.AddInitializer("bias", Tensor.Vector([0.5f]))]);
        });
        Assert.All(new[] { "epsilon", "mean", "deviation" }, n => Assert.Equal(ConstantRole.Coefficient, Role(model, n)));
        Assert.Equal(ConstantRole.Bias, Role(model, "bias")); // of a layer with one output
    }


    private static ConstantRole Role(Model model, string name) => Assert.Single(ConstantRoles.Of(model).RolesOf(Constant(model, name)));

    private static Value Constant(Model model, string name) => model.AllConstants().First(c => c.Name == name);

    private static Model Activations(Func<Graph, Value, Value> body, params long[] shape) => Build.Model([.. (shape.Length == 0 ? [1, 4] : shape).Select(d => (Dimension)d)], body);

    private static Value Stem(Graph graph, Value x) => graph.Apply("Relu", [graph.Apply("MatMul", [x, graph.AddInitializer("stem", Build.Normal(9, 1, 4, 4))])]);

    /// <summary>Scores of two activations, changed, and their Softmax.</summary>
    private static Model Attention(Func<Graph, Value, Value> change) => Build.Model([1, 4, 4], (graph, x) =>
    {
        Value queries = graph.Apply("MatMul", [x, graph.AddInitializer("q", Build.Normal(1, 1, 4, 4))]), keys = graph.Apply("MatMul", [x, graph.AddInitializer("k", Build.Normal(2, 1, 4, 4))]);
        Value scores = graph.Apply("MatMul", [queries, graph.Apply("Transpose", [keys], ("perm", new[] { 0L, 2, 1 }))]);
        return graph.Apply("MatMul", [graph.Apply("Softmax", [change(graph, scores)], ("axis", -1L)), x]);
    });

    private static Tensor Causal(float far) => Tensor.Create([4, 4], Enumerable.Range(0, 16).Select(i => i % 4 > i / 4 ? far : 0).ToArray());

    private static Tensor Channels(params float[] values) => Tensor.Create([1, values.Length, 1, 1], values);

    private static Value Prepared(Graph graph, Value y, string step) => step switch
    {
        "Cast" => graph.Apply("Cast", [y], ("to", (long)ElementType.Float32)),
        "Transpose" => graph.Apply("Transpose", [y], ("perm", new[] { 0L, 1, 3, 2 })),
        "Slice" => graph.Apply("Slice", [y, graph.AddInitializer("from", Tensor.Vector([0L])), graph.AddInitializer("to", Tensor.Vector([6L])), graph.AddInitializer("axis", Tensor.Vector([2L]))]),
        "Pad" => graph.Apply("Pad", [y, graph.AddInitializer("pads", Tensor.Vector([0L, 0, 1, 1, 0, 0, 1, 1]))]),
        _ => graph.Apply("Resize", [y, null, graph.AddInitializer("scales", Tensor.Vector([1f, 1, 2, 2]))]),
    };

    private static Value Moved(Graph graph, Value c, string step) => step switch
    {
        "Slice" => graph.Apply("Slice", [c, graph.AddInitializer("from", Tensor.Vector([4L])), graph.AddInitializer("to", Tensor.Vector([8L])), graph.AddInitializer("axis", Tensor.Vector([0L]))]),
        "Split" => graph.AddNode("Split", [c], ["a", "b"], [new("axis", 0L)]).Outputs[1]!,
        "Concat" => graph.Apply("Concat", [c, graph.AddInitializer("more", Build.Normal(2, 1, 2, 4))], ("axis", 0L)),
        "Gather" => graph.Apply("Gather", [c, graph.AddInitializer("order", Tensor.Vector([3L, 1, 0, 2]))]),
        "Cast" => graph.Apply("Cast", [c], ("to", (long)ElementType.Float32)),
        "Reshape" => graph.Apply("Reshape", [c, graph.AddInitializer("shape", Tensor.Vector([4L, 4]))]),
        "Expand" => graph.Apply("Expand", [c, graph.AddInitializer("shape", Tensor.Vector([4L, 4]))]),
        "Normalized" => graph.Apply("Div", [c, graph.Apply("ReduceL2", [c], ("axes", new[] { 1L }))]),
        _ => graph.Apply(step, [c]),
    };
}
