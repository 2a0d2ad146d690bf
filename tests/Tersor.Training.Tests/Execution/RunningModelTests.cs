using Tersor.Onnx;
using Tersor.Onnx.Opsets;
using Tersor.Testing;
using Tersor.Training.Execution;

namespace Tersor.Training.Tests.Execution;

/// <summary>What becomes of a model before it runs.</summary>
public sealed class RunningModelTests
{
    [Fact]
    public void Operators_that_are_newer_than_the_model_run_as_one()
    {
        Model model = new(opset: 13, irVersion: 7);
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, "N", 4));
        Value gate = model.Graph.AddNode("HardSigmoid", [x], ["gate"], [new("alpha", 1f / 6), new("beta", 0.5f)]).Outputs[0]!;
        Value bent = model.Graph.AddNode("Mul", [x, gate], ["bent"]).Outputs[0]!;
        bent.Type = x.Type;
        model.Graph.AddOutput(bent);
        Model running = RunningModel.Of(model, []);
        Assert.Equal(["HardSwish"], running.Graph.Nodes.Select(n => n.OpType));
        Assert.Equal(13, model.Opset);
        // Somebody looks at what would be lost.
        Assert.Contains("HardSigmoid", RunningModel.Of(model, ["gate"]).Graph.Nodes.Select(n => n.OpType));
    }

    [Theory]
    [InlineData(true, OpsetRaiser.Supported)]
    [InlineData(false, 11)]
    public void An_old_softmax_of_unknown_rank_stays_as_it_is(bool known, long opset)
    {
        Model model = new(opset: 11, irVersion: 6);
        Value x = model.Graph.AddInput("x", known ? OnnxType.Of(ElementType.Float32, "N", 4) : new OnnxType.Tensor(ElementType.Float32, null));
        Value y = model.Graph.AddNode("Softmax", [x], ["y"]).Outputs[0]!;
        y.Type = x.Type;
        model.Graph.AddOutput(y);
        Model running = RunningModel.Of(model, []);
        Assert.Equal((opset, "Softmax"), (running.Opset, Assert.Single(running.Graph.Nodes).OpType));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Statistics_of_an_old_normalization_move_also_where_it_was_exported_in_training(bool training)
    {
        Model model = new(opset: 9, irVersion: 7);
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, "N", 2));
        Value[] constants = [.. new[] { "scale", "bias", "mean", "variance" }.Select((name, i) => model.Graph.AddInitializer(name, OnnxTensor.Create([2], new float[] { i is 0 or 3 ? 1 : 0, i is 0 or 3 ? 1 : 0 })))];
        string[] outputs = training ? ["y", "mean_now", "variance_now", "saved_mean", "saved_variance"] : ["y"];
        Value y = model.Graph.AddNode("BatchNormalization", [x, .. constants], outputs).Outputs[0]!;
        Value product = model.Graph.AddNode("MatMul", [y, model.Graph.AddInitializer("w", Build.Normal(1, 1, 2, 2))], ["z"]).Outputs[0]!;
        product.Type = x.Type;
        model.Graph.AddOutput(product);
        Model trained = new Trainer(new(model, SmallData.Quadrants(64), new() { Epochs = 2, BatchSize = 16 })).Run().Model;
        Assert.Equal(9, trained.Opset);
        float[] variance = trained.Graph.Initializers.Single(v => v.Name == "variance").Tensor!.ToFloats();
        Assert.All(variance, v => Assert.InRange(v, 0.2f, 0.95f)); // from 1 towards a third
    }
}
