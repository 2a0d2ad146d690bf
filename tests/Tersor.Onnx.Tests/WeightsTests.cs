using Tersor.Testing;

namespace Tersor.Onnx.Tests;

public sealed class WeightsTests
{
    private readonly Model model = new();

    private Graph Main => model.Graph;

    private Value Input(string name = "x") => Main.AddInput(name, null);

    private static Tensor Zeros(params long[] shape) => Tensor.Create(shape, new float[Tensor.ElementCount(shape)]);

    private WeightUse Only() => Assert.Single(model.Weights());

    private static (WeightRole, int?, int?) Summary(WeightUse use) => (use.Role, use.OutputChannelAxis, use.InputChannelAxis);

    public static TheoryData<string, string, int, long[], WeightRole, int?, int?> Operators => new()
    {
        { "Conv", "", 1, [8, 4, 3, 3], WeightRole.Weight, 0, 1 },
        { "Conv", "", 2, [8], WeightRole.Bias, 0, null },
        { "Conv", "group=4", 1, [8, 1, 3, 3], WeightRole.Weight, 0, 1 },
        { "ConvTranspose", "", 1, [4, 8, 3, 3], WeightRole.Weight, 1, 0 },
        { "ConvTranspose", "group=2", 1, [4, 8, 3, 3], WeightRole.Weight, null, 0 },
        { "ConvTranspose", "group=4", 1, [4, 1, 3, 3], WeightRole.Weight, 0, null },
        { "Gemm", "", 1, [4, 8], WeightRole.Weight, 1, 0 },
        { "Gemm", "transB=1", 1, [8, 4], WeightRole.Weight, 0, 1 },
        { "Gemm", "", 0, [8, 4], WeightRole.Weight, 0, 1 },
        { "Gemm", "transA=1", 0, [4, 8], WeightRole.Weight, 1, 0 },
        { "Gemm", "", 2, [8], WeightRole.Bias, 0, null },
        { "Gemm", "", 2, [1, 8], WeightRole.Bias, 1, null },
        { "MatMul", "", 1, [4, 8], WeightRole.Weight, 1, 0 },
        { "MatMul", "", 1, [2, 4, 8], WeightRole.Weight, 2, 1 },
        { "MatMul", "", 1, [4], WeightRole.Weight, null, 0 },
        { "MatMul", "", 0, [8, 4], WeightRole.Weight, 0, 1 },
        { "Einsum", "", 1, [4, 8], WeightRole.Weight, null, null },
        { "LSTM", "", 1, [1, 16, 3], WeightRole.RecurrentInputWeight, 1, 2 },
        { "LSTM", "", 2, [1, 16, 4], WeightRole.RecurrentStateWeight, 1, 2 },
        { "GRU", "", 3, [1, 24], WeightRole.Bias, 1, null },
        { "LSTM", "", 7, [1, 12], WeightRole.RecurrentPeephole, 1, null },
        { "Gather", "", 0, [100, 16], WeightRole.EmbeddingTable, 1, 0 },
        { "BatchNormalization", "", 1, [8], WeightRole.NormalizationScale, 0, null },
        { "BatchNormalization", "", 2, [8], WeightRole.NormalizationOffset, 0, null },
        { "BatchNormalization", "", 4, [8], WeightRole.Statistics, 0, null },
        { "LayerNormalization", "", 1, [8], WeightRole.NormalizationScale, 0, null },
        { "PRelu", "", 1, [8, 1, 1], WeightRole.Slope, 0, null },
        { "Mul", "", 1, [1, 8, 1, 1], WeightRole.Elementwise, 1, null },
        { "Where", "", 1, [8], WeightRole.Other, null, null },
        { "QuantizeLinear", "", 1, [8], WeightRole.QuantizationScale, 0, null },
    };

    [Theory, MemberData(nameof(Operators))]
    public void Role_and_axes_follow_from_the_operator(string op, string attribute, int index, long[] shape, WeightRole role, int? output, int? input)
    {
        Value weight = Main.AddInitializer("w", Zeros(shape));
        Value?[] inputs = [.. Enumerable.Range(0, index + 1).Select(i => i == index ? weight : Input($"x{i}"))];
        Main.AddNode(op, inputs, ["y"], attribute.Length == 0 ? [] : [new(attribute.Split('=')[0], long.Parse(attribute.Split('=')[1]))]);
        WeightUse use = Only();
        Assert.Equal((role, output, input), Summary(use));
        Assert.Same(weight, use.Value);
        Assert.Equal(index, use.InputIndex);
        Assert.False(use.IsShared);
    }

    [Fact]
    public void Axes_are_those_of_the_stored_tensor_behind_a_path()
    {
        Value w = Main.AddInitializer("w", Zeros(8, 4)); // [out, in], as PyTorch keeps Linear
        Value t = Main.AddNode("Transpose", [w], ["t"]).Outputs[0]!;
        Value c = Main.AddNode("Cast", [t], ["c"], [new("to", 1L)]).Outputs[0]!;
        Node product = Main.AddNode("MatMul", [Input(), c], ["y"]);
        WeightUse use = Only();
        Assert.Equal((WeightRole.Weight, 0, 1), Summary(use));
        Assert.Equal(1, use.OperandOutputChannelAxis);
        Assert.Equal(["Transpose", "Cast"], use.Path.Select(n => n.OpType));
        Assert.Equal([4, 8], use.OperandShape);
        Assert.Same(product, use.Node);
    }

    [Fact]
    public void A_permutation_of_a_kernel_moves_its_axes()
    {
        Value w = Main.AddInitializer("w", Zeros(3, 3, 4, 8)); // HWIO, as TensorFlow keeps it
        Value t = Main.AddNode("Transpose", [w], ["t"], [new("perm", new long[] { 3, 2, 0, 1 })]).Outputs[0]!;
        Main.AddNode("Conv", [Input(), t], ["y"]);
        Assert.Equal((WeightRole.Weight, 3, 2), Summary(Only()));
    }

    [Fact]
    public void Reshape_Unsqueeze_Squeeze_and_Flatten_are_followed_where_the_axis_survives()
    {
        Value x = Input();
        Value w = Main.AddInitializer("w", Zeros(8, 4));
        Value kernel = Main.AddNode("Unsqueeze", [w, Main.AddInitializer("axes", Tensor.Vector(2L, -1L))], ["u"]).Outputs[0]!;
        Main.AddNode("Conv", [x, kernel], ["a"]);
        Value b = Main.AddInitializer("b", Zeros(8));
        Main.AddNode("Add", [x, Main.AddNode("Reshape", [b, Main.AddInitializer("shape", Tensor.Vector(1L, -1L, 1L, 1L))], ["r"]).Outputs[0]], ["c"]);
        Value k = Main.AddInitializer("k", Zeros(8, 4, 3, 3));
        Main.AddNode("Gemm", [x, Main.AddNode("Flatten", [k], ["f"]).Outputs[0]], ["d"], [new("transB", 1L)]);
        Value s = Main.AddInitializer("s", Zeros(1, 8, 1));
        Main.AddNode("BatchNormalization", [x, Main.AddNode("Squeeze", [s], ["q"]).Outputs[0]], ["e"]);
        Assert.Equal([(WeightRole.Weight, 0, 1), (WeightRole.Elementwise, 0, null), (WeightRole.Weight, 0, null), (WeightRole.NormalizationScale, 1, null)], model.Weights().Select(Summary));
    }

    [Fact]
    public void A_reshape_that_splits_the_channels_leaves_no_axis()
    {
        Value w = Main.AddInitializer("w", Zeros(4, 2, 4));
        Value kernel = Main.AddNode("Reshape", [w, Main.AddInitializer("shape", Tensor.Vector(8L, 4L))], ["r"]).Outputs[0]!;
        Main.AddNode("Gemm", [Input(), kernel], ["y"], [new("transB", 1L)]);
        Assert.Equal((WeightRole.Weight, null, 2), Summary(Only()));
    }

    [Fact]
    public void A_reshape_to_a_shape_that_is_computed_is_a_reader_of_its_own()
    {
        Value w = Main.AddInitializer("w", Zeros(8, 4));
        Value r = Main.AddNode("Reshape", [w, Input("shape")], ["r"]).Outputs[0]!;
        Main.AddNode("MatMul", [Input(), r], ["y"]);
        Assert.Equal((WeightRole.Other, null, null), Summary(Only()));
    }

    [Fact]
    public void A_shared_weight_is_reported_with_all_its_users()
    {
        Value x = Input(), w = Main.AddInitializer("w", Zeros(4, 4));
        Main.AddNode("MatMul", [x, w], ["a"]);
        Main.AddNode("Gemm", [x, Main.AddNode("Transpose", [w], ["t"]).Outputs[0]], ["b"]);
        IReadOnlyList<WeightUse> uses = model.Weights();
        Assert.Equal([1, 0], uses.Select(u => u.OutputChannelAxis!.Value));
        Assert.All(uses, u => Assert.Equal(uses, u.Users));
        Assert.All(uses, u => Assert.True(u.IsShared));
    }

    [Fact]
    public void A_weight_that_is_a_model_output_or_behind_a_shared_Transpose_counts_as_shared()
    {
        Value x = Input(), w = Main.AddInitializer("w", Zeros(4, 4)), v = Main.AddInitializer("v", Zeros(4, 4));
        Main.AddNode("MatMul", [x, w], ["a"]);
        Main.AddOutput(w);
        Value t = Main.AddNode("Transpose", [v], ["t"]).Outputs[0]!;
        Main.AddNode("MatMul", [x, t], ["b"]);
        Main.AddNode("Shape", [t], ["c"]);
        Assert.Equal([true, true], model.Weights().Select(u => u.IsShared));
    }

    [Fact]
    public void Shapes_indices_and_thresholds_are_no_weights()
    {
        Value x = Input();
        Main.AddNode("Reshape", [x, Main.AddInitializer("shape", Tensor.Vector(1L, -1L))], ["a"]);
        Main.AddNode("Gather", [x, Main.AddInitializer("index", Tensor.Vector(1L))], ["b"]);
        Main.AddNode("Clip", [x, Main.AddInitializer("low", Tensor.Scalar(0f))], ["c"]);
        Main.AddNode("Resize", [x, null, Main.AddInitializer("scales", Tensor.Vector(1f, 1f, 2f, 2f))], ["d"]);
        Main.AddNode("Gather", [Main.AddInitializer("sizes", Tensor.Vector(3L, 4L)), x], ["e"]);
        Assert.Empty(model.Weights());
    }

    [Fact]
    public void An_Add_behind_a_layer_is_a_bias()
    {
        Value x = Input();
        Value y = Main.AddNode("MatMul", [x, Main.AddInitializer("w", Zeros(4, 8))], ["y"]).Outputs[0]!;
        Main.AddNode("Add", [Main.AddInitializer("b", Zeros(8)), y], ["z"]);
        Main.AddNode("Add", [x, Main.AddInitializer("position", Zeros(8))], ["p"]);
        Assert.Equal([WeightRole.Weight, WeightRole.Bias, WeightRole.Elementwise], model.Weights().Select(u => u.Role));
    }

    [Fact]
    public void Quantized_weights_name_their_axis()
    {
        Value q = Main.AddInitializer("q", Tensor.Create([4, 8], new sbyte[32])), scale = Main.AddInitializer("scale", Zeros(8)), zero = Main.AddInitializer("zero", Tensor.Create([8], new sbyte[8]));
        Main.AddNode("DequantizeLinear", [q, scale, zero], ["w"], [new("axis", -1L)]);
        Assert.Equal([(WeightRole.Quantized, 1, null), (WeightRole.QuantizationScale, 0, null), (WeightRole.ZeroPoint, 0, (int?)null)], model.Weights().Select(Summary));
    }

    [Fact]
    public void An_overridable_initializer_is_reported_as_such()
    {
        Value w = Main.AddInitializer("w", Zeros(4, 8));
        Main.AttachInput(w);
        Main.AddNode("MatMul", [Input(), w], ["y"]);
        Assert.True(Only().IsOverridable);
        model.IrVersion = 3;
        Assert.False(Only().IsOverridable);
    }

    [Fact]
    public void A_weight_handed_to_a_function_has_the_role_it_has_inside()
    {
        Function inner = new(model, "f", "Inner", ""), linear = new(model, "f", "Linear", "");
        Value x = inner.Body.AddInput("x", null), w = inner.Body.AddInput("w", null);
        inner.Body.AddOutput(inner.Body.AddNode("MatMul", [x, inner.Body.AddNode("Transpose", [w], ["t"]).Outputs[0]], ["y"]).Outputs[0]!);
        Value a = linear.Body.AddInput("a", null), b = linear.Body.AddInput("b", null);
        linear.Body.AddOutput(linear.Body.AddNode("Inner", [a, b], ["y"], domain: "f").Outputs[0]!);
        model.Functions.Add(linear);
        model.Functions.Add(inner);
        Node call = Main.AddNode("Linear", [Input(), Main.AddInitializer("weight", Zeros(8, 4))], ["y"], domain: "f");
        WeightUse use = Only();
        Assert.Equal((WeightRole.Weight, 0, 1), Summary(use));
        Assert.Same(call, use.Node);
    }

    [Fact]
    public void Every_real_model_shows_the_same_weights_plain_and_in_an_If_and_in_a_function()
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        foreach (string path in SharedFiles.Models)
        {
            Model plain = Model.Load(path);
            List<string> expected = Describe(plain);
            Assert.NotEmpty(expected);
            Assert.Equal(expected, Describe(Wrapping.InIf(plain)));
            Assert.Equal(expected, Describe(Wrapping.InFunction(plain)));
        }
    }

    [Fact]
    public void The_weights_of_the_reference_classifiers_are_all_found()
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        // The numbers of parameters that shared/README.md states.
        Assert.Equal(266_610, Parameters("fmnist_lenet300"));
        Assert.Equal(431_080, Parameters("fmnist_lenet5"));
        Assert.Equal(559_626, Parameters("fmnist_lstm"));
        // There with BatchNormalization, folded in the file: one number less for each of 800 channels.
        Assert.Equal(382_058 - 800, Parameters("fmnist_resnet"));
        Assert.Equal(455_050, Parameters("fmnist_vit"));

        static long Parameters(string name) => Model.Load(SharedFiles.At("models", name + ".onnx")).Weights()
            .Where(u => u.Role is not WeightRole.Statistics && u.Weight.Length > 1).Select(u => u.Value).Distinct().Sum(v => v.Tensor!.Length);
    }

    private static List<string> Describe(Model model) => [.. model.Weights().Select(u => $"{u.Role} {u.Weight} {u.OutputChannelAxis} {u.InputChannelAxis} {u.Node.OpType} {u.InputIndex} {u.Users.Count}").Order()];
}
