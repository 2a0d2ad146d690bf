using System.Globalization;
using Tersor.Onnx;
using Tersor.Testing;
using Tersor.Training.Execution;
using Tersor.Training.Libtorch;

namespace Tersor.Training.Tests.Operators;

/// <summary>Forms of operators that ONNX's backend tests leave out, against ONNX Runtime.</summary>
public sealed class RuntimeAgreementTests
{
    private static readonly (string Name, NodeAttribute Value)[] None = [];

    /// <summary>Name; operator; version; inputs (null: left out); outputs; attributes.</summary>
    private static IEnumerable<Case> Cases =>
    [
        // Every direction of every recurrent network, with and without lengths.
        .. from kind in (string[])["LSTM", "GRU", "RNN"]
           from direction in (string[])["forward", "reverse", "bidirectional"]
           from lengths in (bool[])[false, true]
           select Recurrent($"{kind} {direction} {(lengths ? "lengths" : "all")}", kind, direction, lengths),
        Recurrent("LSTM clip", "LSTM", "forward", false, ("clip", 0.3f)),
        Recurrent("LSTM coupled", "LSTM", "forward", false, ("input_forget", 1)),
        WithoutPeepholes(Recurrent("LSTM plain", "LSTM", "bidirectional", false)),
        WithoutPeepholes(Recurrent("LSTM plain, lengths", "LSTM", "reverse", true)),
        WithoutPeepholes(Recurrent("LSTM plain, clip", "LSTM", "forward", false, ("clip", 0.3f))),
        WithoutPeepholes(Recurrent("LSTM plain, coupled", "LSTM", "forward", false, ("input_forget", 1))),
        WithoutPeepholes(Recurrent("LSTM plain, named activations", "LSTM", "forward", false, ("activations", Texts("Sigmoid", "Tanh", "Tanh")))),
        WithoutPeepholes(Recurrent("LSTM plain, other activations", "LSTM", "forward", false, ("activations", Texts("Sigmoid", "Tanh", "Softsign")))),
        Recurrent("LSTM activations", "LSTM", "bidirectional", true, ("activations", Texts("HardSigmoid", "Softsign", "Affine", "Sigmoid", "ScaledTanh", "Tanh")), ("activation_alpha", new[] { 0.3f, 0.9f, 0.7f }), ("activation_beta", new[] { 0.4f, 0.1f, 0.6f })),
        Recurrent("GRU reset after", "GRU", "bidirectional", true, ("linear_before_reset", 1)),
        Recurrent("RNN relu", "RNN", "forward", false, ("activations", Texts("Relu"))),

        new("Conv 1d", "Conv", 17, [Data(1, 2, 4, 9), Data(2, 6, 2, 3), Data(3, 6)], 1, [("group", 2), ("dilations", Longs(2)), ("pads", Longs(1, 3)), ("strides", Longs(2))]),
        new("Conv 3d same lower", "Conv", 17, [Data(1, 1, 2, 5, 6, 7), Data(2, 3, 2, 2, 3, 2)], 1, [("auto_pad", "SAME_LOWER"), ("strides", Longs(2, 1, 3))]),
        new("ConvTranspose output shape", "ConvTranspose", 17, [Data(1, 1, 3, 4, 4), Data(2, 3, 2, 3, 3), Data(3, 2)], 1, [("output_shape", Longs(9, 8)), ("strides", Longs(2, 2))]),
        new("ConvTranspose asymmetric", "ConvTranspose", 17, [Data(1, 1, 4, 4, 5), Data(2, 4, 3, 3, 3), Data(3, 6)], 1, [("group", 2), ("pads", Longs(0, 1, 2, 1)), ("output_padding", Longs(1, 0)), ("strides", Longs(2, 3)), ("dilations", Longs(2, 1))]),
        new("ConvTranspose same upper", "ConvTranspose", 17, [Data(1, 1, 2, 5), Data(2, 2, 2, 4)], 1, [("auto_pad", "SAME_UPPER"), ("strides", Longs(3))]),
        new("QLinearConv", "QLinearConv", 17, [Bytes(1, 1, 2, 6, 6), Scalar(0.03f), OnnxTensor.Scalar<byte>(120), SignedBytes(2, 3, 2, 3, 3), OnnxTensor.Vector<float>([0.01f, 0.02f, 0.03f]), OnnxTensor.Vector<sbyte>([0, 0, 0]), Scalar(0.05f), OnnxTensor.Scalar<byte>(100), OnnxTensor.Vector<int>([100, -200, 50])], 1, [("pads", Longs(1, 1, 1, 1))]),
        new("ConvInteger", "ConvInteger", 17, [Bytes(1, 1, 2, 6, 6), Bytes(2, 3, 2, 3, 3), OnnxTensor.Scalar<byte>(120), OnnxTensor.Scalar<byte>(7)], 1, [("pads", Longs(1, 0, 0, 1))]),

        .. from all in (long[])[0, 1]
           from ceiling in (long[])[0, 1]
           select new Case($"AveragePool {all} {ceiling}", "AveragePool", 19, [Data(1, 1, 2, 7, 8)], 1, [("kernel_shape", Longs(3, 2)), ("strides", Longs(2, 3)), ("pads", Longs(1, 0, 1, 1)), ("count_include_pad", all), ("ceil_mode", ceiling)]),
        new("AveragePool dilations", "AveragePool", 19, [Data(1, 1, 2, 9, 9)], 1, [("kernel_shape", Longs(3, 2)), ("dilations", Longs(2, 3)), ("pads", Longs(1, 0, 0, 1))]),
        new("MaxPool positions", "MaxPool", 12, [Data(1, 2, 3, 7, 8)], 2, [("kernel_shape", Longs(3, 2)), ("strides", Longs(2, 2)), ("pads", Longs(1, 0, 0, 1)), ("ceil_mode", 1)]),
        new("MaxPool positions by column", "MaxPool", 12, [Data(1, 2, 3, 7, 8)], 2, [("kernel_shape", Longs(2, 2)), ("strides", Longs(2, 2)), ("storage_order", 1)]),
        new("MaxPool wide padding", "MaxPool", 12, [Data(1, 1, 1, 6)], 1, [("kernel_shape", Longs(3)), ("pads", Longs(2, 2)), ("dilations", Longs(2))]),
        new("LpPool", "LpPool", 18, [Data(1, 1, 2, 7, 8)], 1, [("kernel_shape", Longs(3, 2)), ("p", 3), ("pads", Longs(1, 0, 1, 1))]),
        new("GlobalLpPool", "GlobalLpPool", 17, [Data(1, 2, 3, 4, 5)], 1, [("p", 3)]),
        new("MaxRoiPool", "MaxRoiPool", 17, [Data(1, 2, 3, 12, 16), OnnxTensor.Create([3, 5], [0f, 1, 2, 9, 8, 1, 0, 0, 15, 11, 0, 10, 7, 19, 15])], 1, [("pooled_shape", Longs(3, 2))]),
        new("RoiAlign adaptive", "RoiAlign", 16, [Data(1, 2, 3, 12, 16), OnnxTensor.Create([2, 4], [1.3f, 2.1f, 9.7f, 8.2f, -2f, 0, 15, 14]), OnnxTensor.Vector<long>([1, 0])], 1, [("output_height", 3), ("output_width", 2), ("spatial_scale", 0.8f)]),

        .. from mode in (string[])["nearest", "linear", "cubic"]
           from position in (string[])["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"]
           from size in (long[][])[[1, 2, 8, 15], [1, 2, 3, 4], [1, 2, 1, 10]]
           select new Case($"Resize {mode} {position} {size[2]}", "Resize", 18, [Data(1, 1, 2, 4, 5), null, null, OnnxTensor.Vector(size)], 1, [("mode", mode), ("coordinate_transformation_mode", position), ("nearest_mode", "floor")]),
        .. from rounding in (string[])["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]
           from scale in (float[])[0.5f, 1.5f, 2, 3]
           select new Case($"Resize {rounding} {scale}", "Resize", 13, [Data(1, 1, 2, 4, 6), null, OnnxTensor.Vector<float>([1, 1, scale, 2])], 1, [("mode", "nearest"), ("nearest_mode", rounding)]),
        new("Resize linear 1d", "Resize", 13, [Data(1, 1, 2, 6), null, OnnxTensor.Vector<float>([1, 1, 1.7f])], 1, [("mode", "linear")]),
        new("Resize linear 3d", "Resize", 13, [Data(1, 1, 2, 3, 4, 5), null, null, OnnxTensor.Vector<long>([1, 2, 6, 5, 7])], 1, [("mode", "linear")]),
        new("Resize crop", "Resize", 13, [Data(1, 1, 1, 6, 6), OnnxTensor.Vector<float>([0, 0, 0.2f, -0.1f, 1, 1, 0.8f, 1.2f]), null, OnnxTensor.Vector<long>([1, 1, 4, 5])], 1, [("mode", "linear"), ("coordinate_transformation_mode", "tf_crop_and_resize"), ("extrapolation_value", 9f)]),
        new("Resize cubic outside", "Resize", 13, [Data(1, 1, 1, 6, 6), null, null, OnnxTensor.Vector<long>([1, 1, 4, 9])], 1, [("mode", "cubic"), ("exclude_outside", 1), ("cubic_coeff_a", -0.5f)]),
        new("Resize antialias", "Resize", 18, [Data(1, 1, 1, 9, 9), null, null, OnnxTensor.Vector<long>([1, 1, 4, 5])], 1, [("mode", "linear"), ("antialias", 1)]),
        new("Resize 10", "Resize", 10, [Data(1, 1, 1, 6, 6), OnnxTensor.Vector<float>([1, 1, 0.5f, 2])], 1, [("mode", "nearest")]),
        new("Resize 10 linear", "Resize", 10, [Data(1, 1, 1, 6, 6), OnnxTensor.Vector<float>([1, 1, 0.5f, 2])], 1, [("mode", "linear")]),
        new("Upsample 9", "Upsample", 9, [Data(1, 1, 2, 3, 3), OnnxTensor.Vector<float>([1, 1, 2, 3])], 1, [("mode", "nearest")]),

        .. from mode in (string[])["bilinear", "nearest", "bicubic"]
           from padding in (string[])["zeros", "border", "reflection"]
           from corners in (long[])[0, 1]
           select new Case($"GridSample {mode} {padding} {corners}", "GridSample", 16, [Data(1, 2, 3, 5, 6), Data(2, 2, 4, 3, 2)], 1, [("mode", mode), ("padding_mode", padding), ("align_corners", corners)]),

        .. from mode in (string[])["constant", "reflect", "edge"]
           select new Case($"Pad {mode}", "Pad", 18, [Data(1, 2, 4, 5), OnnxTensor.Vector<long>([2, 3, -1, 1]), mode == "constant" ? Scalar(0.5f) : null, OnnxTensor.Vector<long>([1, -1])], 1, [("mode", mode)]),
        new("Slice backwards", "Slice", 13, [Data(1, 5, 7), OnnxTensor.Vector<long>([-1, 100]), OnnxTensor.Vector<long>([-100, 1]), OnnxTensor.Vector<long>([0, 1]), OnnxTensor.Vector<long>([-2, -3])], 1, None),
        new("Split uneven", "Split", 18, [Data(1, 7, 3)], 3, [("num_outputs", 3)]),
        new("GatherND batches", "GatherND", 13, [Data(1, 2, 3, 4), OnnxTensor.Create([2, 2, 1], [0L, -1, 1, 2])], 1, [("batch_dims", 1)]),
        .. from reduction in (string[])["none", "add", "mul", "min", "max"]
           from name in (string[])["ScatterElements", "ScatterND"]
           select new Case($"{name} {reduction}", name, 18, [Data(1, 4, 3), reduction == "none" ? OnnxTensor.Create([2, 1], [0L, 2]) : OnnxTensor.Create([2, 1], [2L, 2]), name == "ScatterND" ? Data(3, 2, 3) : Data(3, 2, 1)], 1, [("reduction", reduction)]),
        new("TopK smallest", "TopK", 11, [Data(1, 7, 3), OnnxTensor.Vector<long>([4])], 2, [("axis", 0), ("largest", 0)]),
        new("Unique by first", "Unique", 11, [OnnxTensor.Vector<float>([3, 1, 3, 2, 1, 5])], 4, [("sorted", 0)]),
        new("OneHot axis", "OneHot", 11, [OnnxTensor.Create([2, 2], [0L, -1, 4, 2]), OnnxTensor.Scalar(4L), OnnxTensor.Vector<float>([-1, 2])], 1, [("axis", 1)]),
        new("ReverseSequence", "ReverseSequence", 10, [Data(1, 3, 4, 2), OnnxTensor.Vector<long>([1, 4, 2])], 1, [("batch_axis", 0), ("time_axis", 1)]),
        new("DepthToSpace", "DepthToSpace", 13, [Data(1, 1, 8, 2, 3)], 1, [("blocksize", 2), ("mode", "CRD")]),
        new("STFT", "STFT", 17, [Data(1, 1, 32, 1), OnnxTensor.Scalar(5L), Data(2, 8), OnnxTensor.Scalar(8L)], 1, None),
        new("Col2Im", "Col2Im", 18, [Data(1, 1, 12, 9), OnnxTensor.Vector<long>([5, 6]), OnnxTensor.Vector<long>([2, 3])], 1, [("pads", Longs(0, 1, 0, 1)), ("dilations", Longs(2, 1)), ("strides", Longs(1, 2))]),
    ];

    public static TheoryData<string> Names => [.. Cases.Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Results_are_those_of_the_runtime(string name)
    {
        Case one = Cases.Single(c => c.Name == name);
        Model model = new(one.Opset, irVersion: 8);
        Value?[] inputs = [.. one.Inputs.Select((t, i) => t is null ? null : i == 0 ? model.Graph.AddInput("x", OnnxType.Of(t)) : model.Graph.AddInitializer($"i{i}", t))];
        Node node = model.Graph.AddNode(one.Op, inputs, [.. Enumerable.Range(0, one.Outputs).Select(i => $"y{i}")], one.Attributes.Select(a => new KeyValuePair<string, NodeAttribute>(a.Name, a.Value)));
        InferredTypes types = ShapeInference.Infer(model);
        foreach (Value? output in node.Outputs)
        {
            output!.Type ??= new OnnxType.Tensor(types.TensorTypeOf(output)?.ElementType ?? (one.Op == "Unique" && !ReferenceEquals(output, node.Outputs[0]) ? ElementType.Int64 : ElementType.Float32), null);
            model.Graph.AddOutput(output);
        }
        IReadOnlyDictionary<string, OnnxTensor> expected = Running.Run(model, new Dictionary<string, OnnxTensor> { ["x"] = one.Inputs[0]! });
        using GraphProgram program = new(model);
        using Tensor x = TorchTensors.ToTorch(one.Inputs[0]!);
        object?[] results = program.Run(new Dictionary<string, Tensor> { ["x"] = x });
        for (int i = 0; i < results.Length; i++)
        {
            OnnxTensor right = expected[model.Graph.Outputs[i].Name], left = TorchTensors.ToOnnx((Tensor)results[i]!);
            Assert.Equal(right.Shape.AsSpan().ToArray(), left.Shape.AsSpan().ToArray());
            double[] a = Numbers(left), b = Numbers(right);
            for (int k = 0; k < a.Length; k++)
                Assert.True(Math.Abs(a[k] - b[k]) <= 1e-5 + 1e-4 * Math.Abs(b[k]), string.Create(CultureInfo.InvariantCulture, $"output {i}, element {k} is {a[k]}; expected {b[k]}"));
        }
    }

    private static double[] Numbers(OnnxTensor tensor) => tensor.Type.IsFloat() ? tensor.ToDoubles() : [.. tensor.ToInt64s().Select(v => (double)v)];

    private static Case Recurrent(string name, string kind, string direction, bool lengths, params (string Name, NodeAttribute Value)[] more)
    {
        int gates = kind switch { "LSTM" => 4, "GRU" => 3, _ => 1 }, directions = direction == "bidirectional" ? 2 : 1;
        const int Hidden = 3, Batch = 2, Features = 4, Time = 5;
        OnnxTensor?[] inputs = [Data(1, Time, Batch, Features), Data(2, directions, gates * Hidden, Features), Data(3, directions, gates * Hidden, Hidden), Data(4, directions, 2 * gates * Hidden), lengths ? OnnxTensor.Vector<int>([3, 5]) : null, Data(5, directions, Batch, Hidden)];
        if (gates == 4)
            inputs = [.. inputs, Data(6, directions, Batch, Hidden), Data(7, directions, 3 * Hidden)];
        return new(name, kind, 14, inputs, gates == 4 ? 3 : 2, [("hidden_size", Hidden), ("direction", direction), .. more]);
    }

    private static Case WithoutPeepholes(Case given) => given with { Inputs = given.Inputs[..^1] };

    private static OnnxTensor Data(int seed, params long[] shape) => Build.Normal(seed, 0.7, shape);

    private static OnnxTensor Bytes(int seed, params long[] shape) => OnnxTensor.Create(shape, [.. Data(seed, shape).ToFloats().Select(f => (byte)Math.Clamp(128 + 90 * f, 0, 255))]);

    private static OnnxTensor SignedBytes(int seed, params long[] shape) => OnnxTensor.Create(shape, [.. Data(seed, shape).ToFloats().Select(f => (sbyte)Math.Clamp(90 * f, -127, 127))]);

    private static OnnxTensor Scalar(float value) => OnnxTensor.Scalar(value);

    private static NodeAttribute Longs(params long[] values) => values;

    private static NodeAttribute Texts(params string[] values) => new NodeAttribute.Strings([.. values.Select(v => (ReadOnlyMemory<byte>)System.Text.Encoding.UTF8.GetBytes(v))]);

    private sealed record Case(string Name, string Op, long Opset, OnnxTensor?[] Inputs, int Outputs, (string Name, NodeAttribute Value)[] Attributes);
}
