using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Data.Metrics;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Training.Tests;

/// <summary>The model as training finds it is epoch 0: what no epoch beats is what comes out.</summary>
public sealed class StartTests
{
    private static readonly TrainingSettings Quick = new() { Epochs = 20, BatchSize = 16, LearningRate = 0.02, WeightDecay = 0 };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)] // judged by the loss
    public void A_run_that_never_beats_its_start_gives_the_model_it_was_given(bool byLoss)
    {
        TrainingJob job = Good(byLoss);
        TrainingResult result = new Trainer(job with { Settings = Quick with { Epochs = 2, LearningRate = 50, Schedule = new LearningRateSchedule.Constant(), ClipNorm = null } }).Run(cancellation: Cancellation);
        Assert.True(result.IsStart);
        Assert.Equal(0, result.BestEpoch);
        Assert.Equal([1, 2], result.History.Select(e => e.Epoch));
        Assert.Equal(result.Start, result.Kept);
        Assert.All(result.History, e => Assert.True(byLoss ? e.Validation > result.Start : e.Validation < result.Start));
        Assert.Equal(job.Model.ToBytes(), result.Model.ToBytes());
    }

    [Fact]
    public void A_run_that_beats_its_start_says_by_how_much()
    {
        TrainingResult result = new Trainer(new(Network(), SmallData.Quadrants(400), Quick) { Validation = SmallData.Quadrants(200, seed: 2), Metric = Accuracy }).Run(cancellation: Cancellation);
        Assert.False(result.IsStart);
        Assert.InRange(result.Start!.Value, 0.2, 0.8);
        Assert.True(result.Kept > result.Start);
        Assert.Equal(result.History[result.BestEpoch - 1].Validation, result.Kept);
    }

    [Fact]
    public void The_last_epoch_is_kept_where_that_was_asked_for_however_bad()
    {
        TrainingJob job = Good(byLoss: false);
        TrainingResult result = new Trainer(job with { Settings = Quick with { Epochs = 2, LearningRate = 50, Schedule = new LearningRateSchedule.Constant(), ClipNorm = null, KeepBest = false } }).Run(cancellation: Cancellation);
        Assert.Equal(2, result.BestEpoch);
        Assert.NotNull(result.Start);
        Assert.NotEqual(job.Model.ToBytes(), result.Model.ToBytes());
    }

    [Fact]
    public void From_random_weights_the_start_is_what_was_drawn()
    {
        TrainingJob job = Good(byLoss: false);
        TrainingResult result = new Trainer(job with { Settings = Quick with { Reinitialize = true } }).Run(cancellation: Cancellation);
        Assert.InRange(result.Start!.Value, 0.2, 0.8); // the input has more than 0.93
        Assert.True(result.Kept > result.Start);
    }

    [Fact]
    public void A_run_that_is_cut_short_gives_the_best_so_far_and_goes_on_as_if_it_had_not_been()
    {
        string checkpoint = Path.GetTempFileName();
        File.Delete(checkpoint);
        TrainingSettings settings = Quick with { Epochs = 3, BatchSize = 15, Augmentation = new() { Noise = 0.1 } };
        TrainingJob whole = new(Network(), SmallData.Quadrants(200), settings) { Validation = SmallData.Quadrants(60, seed: 3), Metric = Accuracy };
        TrainingJob saved = whole with { Settings = settings with { Checkpoint = checkpoint } };
        try
        {
            TrainingResult expected = new Trainer(whole).Run(cancellation: Cancellation);
            SlowClock clock = new(slow: 20);
            TrainingResult cut = new Trainer(saved with { Settings = saved.Settings with { TimeLimit = TimeSpan.FromSeconds(30) } }) { Clock = clock }.Run(clock, Cancellation);
            Assert.InRange(clock.Remaining!.Value, TimeSpan.Zero, TimeSpan.FromSeconds(30));
            Assert.True(cut.History[^1].Step == 20, $"stopped at step {cut.History[^1].Step}");
            Assert.Contains("stopped after 30 seconds, at step 20 of 42", Assert.Single(cut.Notes), StringComparison.Ordinal);
            Assert.Equal(cut.History.Select(e => e.Validation).Append(cut.Start).Max(), cut.Kept);
            TrainingResult resumed = new Trainer(saved).Run(cancellation: Cancellation);
            Assert.Equal(expected.History, resumed.History);
            Assert.Equal(expected.Start, resumed.Start);
            Assert.Empty(resumed.Notes);
            Assert.Equal(expected.Model.ToBytes(), resumed.Model.ToBytes());
        }
        finally
        {
            File.Delete(checkpoint);
        }
    }

    [Fact]
    public void Without_time_for_a_step_nothing_is_gained()
    {
        TrainingJob job = Good(byLoss: true);
        TrainingResult result = new Trainer(job with { Settings = Quick with { TimeLimit = TimeSpan.FromTicks(1) } }).Run(cancellation: Cancellation);
        Assert.True(result.IsStart);
        Assert.Empty(result.History);
        Assert.Equal(job.Model.ToBytes(), result.Model.ToBytes());
    }

    /// <summary>A model that knows already.</summary>
    private static TrainingJob Good(bool byLoss)
    {
        TrainingJob job = new(Network(), SmallData.Quadrants(400), Quick with { Epochs = 20 }) { Validation = SmallData.Quadrants(200, seed: 2), Metric = byLoss ? null : Accuracy };
        TrainingResult trained = new Trainer(job).Run(cancellation: Cancellation);
        Assert.True(byLoss || trained.Kept > 0.93, $"{trained.Kept}");
        return job with { Model = trained.Model };
    }

    /// <summary>A clock that stands still but for one step, which takes a minute.</summary>
    private sealed class SlowClock(long slow) : TimeProvider, IProgress<TrainingProgress>
    {
        private long now;

        public TimeSpan? Remaining { get; private set; }

        public override long GetTimestamp() => now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public void Report(TrainingProgress value)
        {
            if (value.Step == slow)
                now += TimeSpan.TicksPerMinute;
            Remaining = value.Remaining;
        }
    }

    private static IMetric Accuracy() => MetricCatalog.Create(new("top-1", new Dictionary<string, string>()), ".");

    private static Model Network() => Build.Model(["n", 2], (graph, x) =>
    {
        Value hidden = graph.Apply("Gemm", [x, graph.AddInitializer("w1", Build.Normal(5, 1, 2, 8)), graph.AddInitializer("b1", Build.Normal(6, 0.1, 8))]);
        return graph.Apply("Gemm", [graph.Apply("Relu", [hidden]), graph.AddInitializer("w2", Build.Normal(7, 0.5, 8, 2)), graph.AddInitializer("b2", Build.Normal(8, 0.1, 2))]);
    });
}
