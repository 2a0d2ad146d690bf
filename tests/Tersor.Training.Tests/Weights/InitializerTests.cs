using Tersor.Onnx;
using Tersor.Onnx.Roles;
using Tersor.Testing;
using Tersor.Training.Weights;

namespace Tersor.Training.Tests.Weights;

/// <summary>Random weights by role: how large they are.</summary>
public sealed class InitializerTests
{
    private const int Inputs = 32 * 9;

    [Theory]
    [InlineData("Relu", false, 2.0 / Inputs)]
    [InlineData("Relu", true, 1.0 / (3 * Inputs))] // normalized where training runs it
    [InlineData("Sigmoid", false, 1.0 / (3 * Inputs))]
    [InlineData("BatchNormalization", false, 1.0 / (3 * Inputs))]
    [InlineData("MaxPool", false, 2.0 / Inputs)] // a rectifier behind it
    public void The_variance_is_that_of_the_paper(string follower, bool normalized, double variance)
    {
        Model model = Build.Model(["n", 32, 8, 8], (graph, x) =>
        {
            Value y = graph.Conv(x, 1, 32, 64);
            Value Vector(float value) => graph.AddInitializer("v", OnnxTensor.Vector([.. Enumerable.Repeat(value, 64)]));
            Value next = follower switch
            {
                "BatchNormalization" => graph.Apply(follower, [y, Vector(1), Vector(0), Vector(0), Vector(1)]),
                "MaxPool" => graph.Apply(follower, [y], ("kernel_shape", new[] { 2L, 2L })),
                _ => graph.Apply(follower, [y]),
            };
            return graph.Apply("Identity", [graph.Apply("Relu", [next])]);
        });
        ChosenWeight weight = new WeightChooser(new()).Choose(model, mustFind: true).First(c => c.Role == ConstantRole.Weight);
        float[] start = Initializer.Start(weight, 1, normalized).ToFloats(), again = Initializer.Start(weight, 1, normalized).ToFloats(), other = Initializer.Start(weight, 2, normalized).ToFloats();
        Assert.Equal(start, again);
        Assert.NotEqual(start, other);
        Assert.Equal(0, start.Average(), Math.Sqrt(variance) / 20);
        Assert.InRange(start.Average(v => (double)v * v) / variance, 0.95, 1.05);
    }
}
