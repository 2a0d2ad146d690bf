using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Onnx;

namespace Tersor.Training.Tests.Optimization;

public sealed class GradientMeasurementTests
{
    /// <summary>y = x W + b and a squared error have gradients that can be written down.</summary>
    [Fact]
    public void Means_are_those_of_the_formula_sample_by_sample()
    {
        Model model = new(17);
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, ["n", 3]));
        Value w = model.Graph.AddInitializer("w", OnnxTensor.Create([3, 2], [0.1f, -0.2f, 0.3f, 0.4f, -0.5f, 0.6f])), b = model.Graph.AddInitializer("b", OnnxTensor.Create([2], [0.05f, -0.07f]));
        model.Graph.AddOutput(model.Graph.AddNode("Gemm", [x, w, b], ["y"]).Outputs[0]!);
        IDataSet data = SmallData.Of(50, "x", random =>
            (OnnxTensor.Create([1, 3], Enumerable.Range(0, 3).Select(_ => random.NextSingle() - 0.5f).ToArray()), OnnxTensor.Create([1, 2], [random.NextSingle(), random.NextSingle()])));
        TrainingSettings settings = new() { Loss = new TrainingLoss.MeanSquaredError(), BatchSize = 7 };
        GradientStatistics found = new TorchTraining().Gradients(new(model, data, settings), cancellation: TestContext.Current.CancellationToken);

        double[] gradient = new double[8], squared = new double[8];
        double loss = 0;
        float[] weights = w.Tensor!.ToFloats(), biases = b.Tensor!.ToFloats();
        foreach (Sample sample in data.Samples())
        {
            float[] input = sample.Steps[0]["x"].ToFloats(), label = sample.Labels["label"].ToFloats();
            for (int j = 0; j < 2; j++)
            {
                double error = biases[j] + Enumerable.Range(0, 3).Sum(i => (double)input[i] * weights[i * 2 + j]) - label[j];
                loss += error * error / 2;
                for (int i = 0; i < 4; i++)
                {
                    double g = error * (i < 3 ? input[i] : 1); // the mean over two outputs cancels the square's 2
                    gradient[i * 2 + j] += g / data.Count;
                    squared[i * 2 + j] += g * g / data.Count;
                }
            }
        }
        Assert.Equal(50, found.Samples);
        Assert.Equal(loss / data.Count, found.Loss, 6);
        Assert.Equal([3, 2], found.Weights["w"].Gradient.Shape.ToArray());
        Close(gradient, [.. found.Weights["w"].Gradient.ToFloats(), .. found.Weights["b"].Gradient.ToFloats()]);
        Close(squared, [.. found.Weights["w"].SquaredGradient.ToFloats(), .. found.Weights["b"].SquaredGradient.ToFloats()]);
    }

    [Fact]
    public void What_the_optimizer_knew_is_told()
    {
        Model model = new(17);
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, ["n", 2]));
        model.Graph.AddOutput(model.Graph.AddNode("MatMul", [x, model.Graph.AddInitializer("w", OnnxTensor.Create([2, 2], [1f, 2f, 3f, 4f]))], ["y"]).Outputs[0]!);
        IDataSet data = SmallData.Quadrants(20);
        TrainingSettings settings = new() { Epochs = 1, BatchSize = 20, WeightDecay = 0, ClipNorm = null, KeepBest = false, Optimizer = new TrainingOptimizer.Sgd() };
        TrainingResult one = new TorchTraining().Train(new(model, data, settings) { KeepsOptimizerState = true }, cancellation: TestContext.Current.CancellationToken);
        GradientStatistics gradients = new TorchTraining().Gradients(new(model, data, settings), cancellation: TestContext.Current.CancellationToken);
        // After one step from rest the velocity is the gradient of the batch.
        Close([.. gradients.Weights["w"].Gradient.ToFloats().Select(g => (double)g)], one.OptimizerState["w"]["velocity"].ToFloats());
        Assert.Empty(new TorchTraining().Train(new(model, data, settings), cancellation: TestContext.Current.CancellationToken).OptimizerState);
    }

    [Fact]
    public void Weights_that_are_frozen_have_none()
    {
        Model model = new(17);
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, ["n", 2]));
        Value h = model.Graph.AddNode("MatMul", [x, model.Graph.AddInitializer("first", OnnxTensor.Create([2, 2], [1f, 2f, 3f, 4f]))], ["h"]).Outputs[0]!;
        model.Graph.AddOutput(model.Graph.AddNode("MatMul", [h, model.Graph.AddInitializer("second", OnnxTensor.Create([2, 2], [1f, 0f, 0f, 1f]))], ["y"]).Outputs[0]!);
        GradientStatistics found = new TorchTraining().Gradients(new(model, SmallData.Quadrants(20), new() { Weights = new() { Freeze = ["first"] } }), cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(["second"], found.Weights.Keys);
    }

    private static void Close(double[] expected, float[] found) => Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First, pair.Second, 5));
}
