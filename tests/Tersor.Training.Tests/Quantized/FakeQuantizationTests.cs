using Tersor.Onnx;
using Tersor.Training.Execution;
using Tersor.Training.Libtorch;
using Tersor.Training.Operators.Fused;
using TorchSharp;
using static TorchSharp.torch;

namespace Tersor.Training.Tests.Quantized;

/// <summary>Rounding to steps in one pass, against the same in operators of libtorch; and where the graph that runs has it.</summary>
public sealed class FakeQuantizationTests
{
    [Theory]
    [InlineData(new long[] { 3, 5, 7 }, -1, -128, 127)]
    [InlineData(new long[] { 3, 5, 7 }, 0, -7, 7)]
    [InlineData(new long[] { 3, 5, 7 }, 1, -1, 1)]
    [InlineData(new long[] { 3, 5, 37 }, 2, 0, 255)]
    [InlineData(new long[] { 1 }, -1, -128, 127)]
    [InlineData(new long[] { 2, 9001 }, 0, -3, 12)]
    [InlineData(new long[] { 0, 4 }, -1, -128, 127)]
    public void One_pass_gives_what_operators_give(long[] shape, int axis, int least, int greatest)
    {
        using IDisposable scope = NewDisposeScope();
        manual_seed(1);
        long[] steps = axis < 0 ? [] : [.. shape.Select((d, i) => i == axis ? d : 1)];
        float step = 2f / (greatest - least);
        Compare(randn(shape), (rand(steps) + 0.5) * step, least, greatest);
        // Halves, where rounding goes to even, and the ends themselves.
        Compare(randint(-20, 20, shape).to_type(ScalarType.Float32) * 0.5f * 0.25f, ones(steps) * 0.25f, least, greatest);
    }

    [Fact]
    public void Other_layouts_give_the_same()
    {
        using IDisposable scope = NewDisposeScope();
        manual_seed(2);
        Compare(randn(4, 6, 5).transpose(0, 2), (rand(1, 6, 1) + 0.5) * 0.1, -7, 7);
        Compare(randn(1, 6).expand(4, 6), full([], 0.1f), -7, 7);
    }

    [Fact]
    public void Numbers_that_are_not_finite_are_seen()
    {
        using IDisposable scope = NewDisposeScope();
        float[] numbers = [float.NaN, float.PositiveInfinity, float.NegativeInfinity, 1, 2, 3, 4, 5, 6, 7, 8, float.NaN, float.PositiveInfinity, 0.2f, 1, 1, 1, 1, float.NaN];
        Tensor result = FakeQuantization.Apply(tensor(numbers), tensor(0.5f), -4, 3);
        Assert.Equal(numbers.Select(x => float.IsNaN(x) ? x : Math.Clamp(MathF.Round(x / 0.5f), -4, 3) * 0.5f), result.data<float>().ToArray());
        Tensor x = tensor(numbers.Where(n => !float.IsNaN(n)).ToArray(), requires_grad: true), scale = tensor(0.5f, requires_grad: true);
        FakeQuantization.Apply(x, scale, -4, 3).sum().backward();
        Assert.True(float.IsFinite(scale.grad!.item<float>()));
        Assert.Equal(0, x.grad![0].item<float>());
    }

    [Fact]
    public void Nothing_is_left_behind_by_a_pass_forward_and_back()
    {
        Tensor x = randn(100, requires_grad: true), scale = tensor(0.1f, requires_grad: true);
        Pass(); // gradients are there from now on
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        for (int i = 0; i < 10; i++)
            Pass();
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        x.Dispose();
        scale.Dispose();

        void Pass()
        {
            using IDisposable scope = NewDisposeScope();
            FakeQuantization.Apply(x, scale, -7, 7).sum().backward();
        }
    }

    [Theory]
    [InlineData("s", "z", true)]
    [InlineData("s", "same", true)] // a zero point of its own, but equal
    [InlineData("other", "z", false)]
    [InlineData("s", "another", false)]
    public void Quantization_and_back_become_one_node_where_they_agree(string scale, string zero, bool fuses)
    {
        Model model = new(17);
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, [2, 3]));
        Dictionary<string, Value> constants = new()
        {
            ["s"] = model.Graph.AddInitializer("s", OnnxTensor.Create([], [0.1f])),
            ["other"] = model.Graph.AddInitializer("other", OnnxTensor.Create([], [0.2f])),
            ["z"] = model.Graph.AddInitializer("z", OnnxTensor.Create([], new sbyte[] { 3 })),
            ["same"] = model.Graph.AddInitializer("same", OnnxTensor.Create([], new sbyte[] { 3 })),
            ["another"] = model.Graph.AddInitializer("another", OnnxTensor.Create([], new sbyte[] { 4 })),
        };
        Value integers = model.Graph.AddNode("QuantizeLinear", [x, constants["s"], constants["z"]], ["q"]).Outputs[0]!;
        Value back = model.Graph.AddNode("DequantizeLinear", [integers, constants[scale], constants[zero]], ["d"]).Outputs[0]!;
        model.Graph.AddOutput(model.Graph.AddNode("Relu", [back], ["y"]).Outputs[0]!);
        Tensor input = TorchTensors.ToTorch(OnnxTensor.Create([2, 3], [-20f, -0.25f, 0.04f, 0.05f, 1.26f, 20f]));
        float[] before = Run(model, input);
        FusedQuantization.Fuse(model, []);
        Assert.Equal(fuses ? ["FakeQuantize", "Relu"] : ["QuantizeLinear", "DequantizeLinear", "Relu"], model.Graph.Nodes.Select(n => n.OpType));
        Assert.Equal(before, Run(model, input));
        input.Dispose();
    }

    [Fact]
    public void Integers_that_are_clipped_to_fewer_bits_are_rounded_to_those()
    {
        Model model = new(17);
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, [2, 3]));
        Value scale = model.Graph.AddInitializer("s", OnnxTensor.Scalar(0.1f)), zero = model.Graph.AddInitializer("z", OnnxTensor.Scalar((byte)3));
        Value integers = model.Graph.AddNode("QuantizeLinear", [x, scale, zero], ["q"]).Outputs[0]!;
        Value clipped = model.Graph.AddNode("Clip", [integers, model.Graph.AddInitializer("least", OnnxTensor.Scalar((byte)0)), model.Graph.AddInitializer("greatest", OnnxTensor.Scalar((byte)15))], ["c"]).Outputs[0]!;
        Value back = model.Graph.AddNode("DequantizeLinear", [clipped, scale, zero], ["d"]).Outputs[0]!;
        model.Graph.AddOutput(model.Graph.AddNode("Relu", [back], ["y"]).Outputs[0]!);
        Tensor input = TorchTensors.ToTorch(OnnxTensor.Create([2, 3], [-20f, -0.25f, 0.04f, 0.05f, 1.26f, 20f]));
        float[] before = Run(model, input);
        Assert.Equal(1.2f, before[^1], 6); // 15 − 3 steps
        FusedQuantization.Fuse(model, []);
        Assert.Equal(["FakeQuantize", "Relu"], model.Graph.Nodes.Select(n => n.OpType));
        Assert.Equal((-3, 12), FusedQuantization.Limits(model.Graph.Nodes.First()));
        Assert.Equal(before, Run(model, input));
        input.Dispose();
    }

    private static float[] Run(Model model, Tensor input)
    {
        using GraphProgram program = new(model.Clone());
        using Tensor result = (Tensor)program.Run(new Dictionary<string, Tensor> { ["x"] = input })[0]!;
        return result.data<float>().ToArray();
    }

    private static void Compare(Tensor x, Tensor scale, double least, double greatest)
    {
        Tensor weights = randn(x.shape);
        (Tensor Y, Tensor OfX, Tensor OfScale) fast = Pass(FakeQuantization.Apply), slow = Pass(FakeQuantization.Spelled);
        Assert.True(fast.Y.allclose(slow.Y, 1e-6, 1e-7)); // v + (round(v) − v) is not round(v) to the last bit
        Assert.True(fast.OfX.allclose(slow.OfX, 1e-5, 0)); // zeros are zeros in both
        Assert.Equal(slow.OfScale.shape, fast.OfScale.shape);
        Assert.True(fast.OfScale.allclose(slow.OfScale, 1e-4, 1e-4 * greatest), $"{fast.OfScale.str()} {slow.OfScale.str()}");

        (Tensor, Tensor, Tensor) Pass(Func<Tensor, Tensor, double, double, Tensor> round)
        {
            Tensor a = x.detach().clone().requires_grad_(), b = scale.detach().clone().requires_grad_();
            Tensor y = round(a, b, least, greatest);
            (y * weights).sum().backward();
            return (y.detach(), a.grad!, b.grad!);
        }
    }
}
