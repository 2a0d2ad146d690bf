using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Training.Tests.Optimization;

/// <summary>Graphs that take one sample at a time are trained all the same: gradients of a batch are added up.</summary>
public sealed class OneByOneTests
{
    private static readonly TrainingSettings Settings = new() { Epochs = 3, BatchSize = 16, LearningRate = 0.02, WeightDecay = 0 };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("Squeeze")] // fails on two samples
    [InlineData("Reduce")] // gives one answer for two
    [InlineData("Softmax")] // mixes them
    public void A_graph_of_batch_1_learns_what_the_same_graph_learns_in_batches(string stuck)
    {
        IDataSet data = SmallData.Quadrants(200);
        TrainingResult alone = new Trainer(new(Network(stuck), data, Settings)).Run(cancellation: Cancellation), together = new Trainer(new(Network(null), data, Settings)).Run(cancellation: Cancellation);
        Assert.Equal("the graph takes one sample at a time: gradients of 16 are added up for every step", Assert.Single(alone.Notes));
        Assert.Empty(together.Notes);
        Assert.All(alone.History.Zip(together.History), e => Assert.Equal(e.Second.Loss, e.First.Loss, 1e-3));
    }

    [Fact]
    public void A_student_learns_in_steps_of_a_batch_from_a_teacher_of_batch_1()
    {
        IDataSet data = SmallData.Quadrants(100);
        TrainingJob job = new(Network(null), data, Settings with { Loss = new TrainingLoss.None() }) { Teachers = [Network("Squeeze", seed: 40)] };
        TrainingResult result = new Trainer(job).Run(cancellation: Cancellation);
        Assert.StartsWith("a teacher takes one sample at a time", Assert.Single(result.Notes), StringComparison.Ordinal);
        Assert.Equal(21, result.History[^1].Step); // 100 samples in steps of 16, three times
        Assert.True(result.History[^1].Loss < result.History[0].Loss);
    }

    [Fact]
    public void A_run_that_was_stopped_goes_on_the_same()
    {
        string checkpoint = Path.GetTempFileName();
        File.Delete(checkpoint);
        TrainingJob whole = new(Network("Squeeze"), SmallData.Quadrants(100), Settings) { Validation = SmallData.Quadrants(40, seed: 2) };
        TrainingJob broken = whole with { Settings = Settings with { Checkpoint = checkpoint, CheckpointSeconds = 0 } };
        try
        {
            using CancellationTokenSource source = new();
            Assert.ThrowsAny<OperationCanceledException>(() => new Trainer(broken).Run(new Stopper(source), source.Token));
            Assert.Equal(new Trainer(whole).Run(cancellation: Cancellation).Model.ToBytes(), new Trainer(broken).Run(cancellation: Cancellation).Model.ToBytes());
        }
        finally
        {
            File.Delete(checkpoint);
        }
    }

    [Fact]
    public void A_real_graph_with_its_batch_written_into_it_is_trained_at_batch_16()
    {
        Assert.SkipUnless(SharedFiles.Root is not null, SharedFiles.Reason);
        Model model = Model.Load(SharedFiles.At("models", "symbols.onnx"));
        IDataSet data = SmallData.Of(16, model.Graph.Inputs[0].Name, random => (OnnxTensor.Create([1, 1, 224, 224], [.. Enumerable.Range(0, 224 * 224).Select(_ => random.NextSingle())]), OnnxTensor.Create([1], new[] { random.NextInt64(411) })));
        TrainingResult result = new Trainer(new(model, data, new() { Epochs = 1, BatchSize = 16 })).Run(cancellation: Cancellation);
        Assert.Equal(1, result.History[^1].Step);
        Assert.Contains(result.Notes, n => n.StartsWith("the graph takes one sample at a time: gradients of 16", StringComparison.Ordinal));
        Assert.True(double.IsFinite(result.History[0].Loss));
    }

    private sealed class Stopper(CancellationTokenSource source) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Step == 4)
                source.Cancel();
        }
    }

    /// <summary>A classifier, declared for one sample; <paramref name="stuck"/> is what writes that into it.</summary>
    private static Model Network(string? stuck, int seed = 5) => Build.Model([stuck is null ? "n" : 1, 2], (graph, x) =>
    {
        Value y = graph.Apply("MatMul", [x, graph.AddInitializer("w1", Build.Normal(seed, 1, 2, 8))]);
        Value axis = graph.AddInitializer("axis", OnnxTensor.Vector(0L));
        y = stuck switch
        {
            "Squeeze" => graph.Apply("Unsqueeze", [graph.Apply("Squeeze", [y, axis]), axis]),
            "Reduce" => graph.Apply("ReduceSum", [y, axis], ("keepdims", 1L)),
            // exp(x) / sum of one number is 1
            "Softmax" => graph.Apply("Mul", [y, graph.Apply("Softmax", [y], ("axis", 0L))]),
            _ => y,
        };
        return graph.Apply("MatMul", [graph.Apply("Relu", [y]), graph.AddInitializer("w2", Build.Normal(seed + 1, 0.5, 8, 2))]);
    });
}
