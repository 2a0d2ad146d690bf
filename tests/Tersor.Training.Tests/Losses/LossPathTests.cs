using Tersor.Compression.Training;
using Tersor.Data.Metrics;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Training.Tests.Losses;

/// <summary>Only what the loss follows from has to be computed in training.</summary>
public sealed class LossPathTests
{
    private static readonly TrainingSettings Settings = new() { Epochs = 5, BatchSize = 16, LearningRate = 0.02 };

    [Fact]
    public void An_operator_that_the_judged_output_does_not_follow_from_is_in_nobodys_way()
    {
        TrainingResult result = new Trainer(new(Model, SmallData.Quadrants(200), Settings with { Loss = new TrainingLoss.Auto { Output = "y" } })
        {
            Validation = SmallData.Quadrants(100, seed: 2),
            Metric = () => MetricCatalog.Create(new("top-1", new Dictionary<string, string>()), "."),
        }).Run(cancellation: TestContext.Current.CancellationToken);
        Assert.True(result.History[^1].Loss < result.History[0].Loss);
        Assert.Contains(result.Model.AllNodes(), n => n.OpType == "NoSuchThing");
    }

    [Fact]
    public void One_on_the_way_to_it_is_named()
    {
        TrainingException error = Assert.Throws<TrainingException>(() => new Trainer(new(Model, SmallData.Quadrants(20), Settings with { Loss = new TrainingLoss.Auto { Output = "z" } })).Run(cancellation: TestContext.Current.CancellationToken));
        Assert.Contains("NoSuchThing", error.Message, StringComparison.Ordinal);
        Assert.Contains("--loss-output", error.Message, StringComparison.Ordinal);
    }

    private static Model Model
    {
        get
        {
            Model model = Build.Model(["n", 2], (graph, x) =>
            {
                Value hidden = graph.Apply("Relu", [graph.Apply("MatMul", [x, graph.AddInitializer("w1", Build.Normal(1, 1, 2, 8))])]);
                return graph.Apply("MatMul", [hidden, graph.AddInitializer("w2", Build.Normal(2, 1, 8, 2))]);
            });
            Value other = model.Graph.AddNode("NoSuchThing", [model.Graph.Outputs[0].Producer!.Inputs[0]], ["z"]).Outputs[0]!;
            other.Type = new OnnxType.Tensor(ElementType.Float32, null);
            model.Graph.AddOutput(other);
            return model;
        }
    }
}
