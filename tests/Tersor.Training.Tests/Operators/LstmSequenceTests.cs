using System.Numerics;
using Tersor.Onnx;
using Tersor.Testing;
using Tersor.Training.Execution;
using Tersor.Training.Libtorch;
using Tersor.Training.Operators.Fused;
using TorchSharp;
using static TorchSharp.torch;

namespace Tersor.Training.Tests.Operators;

/// <summary>The LSTM that is one function, in single precision, against the one that is many operators of libtorch, in double precision.</summary>
public sealed class LstmSequenceTests
{
    [Theory]
    [InlineData("forward", 3, 0, true, true)]
    [InlineData("reverse", 8, 0, true, false)]
    [InlineData("bidirectional", 13, 0, false, true)]
    [InlineData("bidirectional", 16, 1, true, true)]
    [InlineData("forward", 1, 1, false, false)]
    [InlineData("bidirectional", 9, 0, true, true, 1)]
    public void Results_and_gradients_are_those_of_the_operators(string direction, int hidden, int layout, bool biased, bool initial, int batch = 3)
    {
        using IDisposable scope = NewDisposeScope();
        Model model = Lstm(direction, hidden, layout, biased, initial, batch);
        (double[] Results, double[][] Gradients) fused = Run(model, ScalarType.Float32), spelled = Run(model, ScalarType.Float64);
        Close(spelled.Results, fused.Results, "results");
        for (int i = 0; i < spelled.Gradients.Length; i++)
            Close(spelled.Gradients[i], fused.Gradients[i], $"the gradient of {model.Graph.Inputs[i].Name}");
        Assert.NotEqual(spelled.Results, fused.Results); // both would be the same had one way been taken twice
    }

    [Fact]
    public void Gradients_reach_an_end_state_that_is_used_alone()
    {
        using IDisposable scope = NewDisposeScope();
        Model model = Lstm("forward", 5, 0, true, true);
        foreach (string output in (string[])["h", "c"])
        {
            (double[] Results, double[][] Gradients) fused = Run(model, ScalarType.Float32, output), spelled = Run(model, ScalarType.Float64, output);
            for (int i = 0; i < spelled.Gradients.Length; i++)
                Close(spelled.Gradients[i], fused.Gradients[i], $"the gradient of {model.Graph.Inputs[i].Name}");
        }
    }

    [Fact]
    public void Nothing_is_left_behind_by_a_pass_forward_and_back()
    {
        Tensor[] given = [randn(4, 2, 3), randn(20, 3, requires_grad: true), randn(20, 5, requires_grad: true), randn(20, requires_grad: true), zeros(2, 5), zeros(2, 5)];
        Pass(); // gradients are there from now on
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        for (int i = 0; i < 10; i++)
            Pass();
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);

        void Pass()
        {
            using IDisposable scope = NewDisposeScope();
            LstmSequence.Run(given[0], given[1], given[2], given[3], given[4], given[5], reversed: false).Steps.sum().backward();
        }
    }

    [Fact]
    public void A_pass_that_gradients_never_go_back_through_leaves_nothing_behind()
    {
        Tensor[] given = [randn(4, 2, 3), randn(20, 3, requires_grad: true), randn(20, 5, requires_grad: true), randn(20), zeros(2, 5), randn(5, 2).t()];
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        using (NewDisposeScope())
            Assert.Equal([2, 5], LstmSequence.Run(given[0], given[1], given[2], given[3], given[4], given[5], reversed: true).Cell.shape);
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void Functions_of_several_numbers_are_exact_to_a_few_bits()
    {
        for (float x = -87; x <= 87; x += 0.0137f)
        {
            Near(Math.Exp(x), VectorFunctions.Exp(new(x))[0], x);
            Near(1 / (1 + Math.Exp(-x)), VectorFunctions.Sigmoid(new(x))[0], x);
            Near(Math.Tanh(x), VectorFunctions.Tanh(new(x))[0], x);
            Near(Math.Tanh(x / 1e6), VectorFunctions.Tanh(new(x / 1e6f))[0], x);
        }
        Assert.Equal((0f, 1f, -1f, 1f), (VectorFunctions.Tanh(Vector<float>.Zero)[0], VectorFunctions.Tanh(new(float.PositiveInfinity))[0], VectorFunctions.Tanh(new(float.NegativeInfinity))[0], VectorFunctions.Sigmoid(new(float.PositiveInfinity))[0]));
        Assert.InRange(VectorFunctions.Sigmoid(new(float.NegativeInfinity))[0], 0, 1e-37f);
        Assert.True(float.IsNaN(VectorFunctions.Sigmoid(new(float.NaN))[0]) && float.IsNaN(VectorFunctions.Tanh(new(float.NaN))[0]));

        static void Near(double expected, float found, float x) => Assert.True(Math.Abs(found - expected) <= 4e-7 * Math.Abs(expected), $"at {x}: {found} instead of {expected}");
    }

    private static Model Lstm(string direction, int hidden, int layout, bool biased, bool initial, int batch = 3)
    {
        const int Features = 4, Time = 5;
        int directions = direction == "bidirectional" ? 2 : 1;
        long[] state = layout == 0 ? [directions, batch, hidden] : [batch, directions, hidden];
        Model model = new(opset: 14, irVersion: 7);
        Value Input(string name, params long[] shape) => model.Graph.AddInput(name, OnnxType.Of(ElementType.Float32, [.. shape.Select(s => (Dimension)s)]));
        Value x = layout == 0 ? Input("x", Time, batch, Features) : Input("x", batch, Time, Features), w = Input("w", directions, 4 * hidden, Features), r = Input("r", directions, 4 * hidden, hidden);
        Value? b = biased ? Input("b", directions, 8 * hidden) : null, h0 = initial ? Input("h0", state) : null, c0 = initial ? Input("c0", state) : null;
        Node node = model.Graph.AddNode("LSTM", [x, w, r, b, null, h0, c0], ["y", "h", "c"], [new("hidden_size", hidden), new("direction", direction), new("layout", layout)]);
        foreach (Value? output in node.Outputs)
            model.Graph.AddOutput(output!);
        return model;
    }

    /// <summary>Runs it; the gradients are those of a sum of all outputs, or one, with weights of their own.</summary>
    private static (double[] Results, double[][] Gradients) Run(Model model, ScalarType type, string? only = null)
    {
        using GraphProgram program = new(model, type);
        Dictionary<string, Tensor> inputs = model.Graph.Inputs.ToDictionary(i => i.Name, i => TorchTensors.ToTorch(Build.Normal(i.Name[0], 0.6, [.. i.Type!.AsTensor!.FixedShape!])).to_type(type).requires_grad_());
        Tensor[] results = [.. program.Run(inputs).Cast<Tensor>()];
        Tensor total = zeros([], type);
        for (int i = 0; i < results.Length; i++)
        {
            if (only is null || model.Graph.Outputs[i].Name == only)
                total = total + (results[i] * TorchTensors.ToTorch(Build.Normal(50 + i, 1, results[i].shape)).to_type(type)).sum();
        }
        total.backward();
        return ([.. results.SelectMany(Numbers)], [.. model.Graph.Inputs.Select(i => inputs[i.Name].grad is { } gradient ? Numbers(gradient) : [])]);
    }

    private static double[] Numbers(Tensor tensor) => tensor.detach().to_type(ScalarType.Float64).contiguous().data<double>().ToArray();

    private static void Close(double[] expected, double[] found, string what)
    {
        Assert.Equal(expected.Length, found.Length);
        double largest = expected.Max(Math.Abs);
        Assert.True(largest > 0, $"{what} are all zero");
        for (int i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(found[i] - expected[i]) <= 3e-6 * largest, $"{what}, element {i}: {found[i]} instead of {expected[i]}");
    }
}
