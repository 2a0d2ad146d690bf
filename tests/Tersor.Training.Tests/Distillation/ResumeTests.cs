using Tersor.Compression.Training;

namespace Tersor.Training.Tests.Distillation;

public sealed class ResumeTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("tersor-").FullName;

    [Theory]
    [InlineData(2)]  // in the first epoch
    [InlineData(10)] // in the third
    public void A_run_that_was_stopped_gives_the_same_bytes(int stopAt)
    {
        TrainingJob job = Images.Job with
        {
            Settings = Images.Job.Settings with { Epochs = 4, BatchSize = 9 },
            Validation = Images.Job.Data,
            Distillation = new() { Features = [new("hidden", "hidden")], Attention = [new("hidden", "hidden")], TemperatureEnd = 1, AlphaEnd = 0.2 },
        };
        AssertSame(job, stopAt);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(6)]
    [InlineData(11)]
    public void What_teachers_said_before_the_stop_is_gathered_again_to_the_bit(int stopAt)
    {
        // The last batch is of 2 samples. Asked in another batch, the teachers' answers to these differ in the last bit.
        TrainingJob job = new(Nets.Dense(8, seed: 5), SmallData.Quadrants(50), Nets.Short) { Teachers = [Nets.Dense(16), Nets.Dense(8, seed: 3)], Validation = SmallData.Quadrants(50, seed: 9) };
        AssertSame(job, stopAt);
    }

    [Fact]
    public void A_checkpoint_of_another_teacher_is_refused()
    {
        TrainingJob job = new(Nets.Dense(8, seed: 5), SmallData.Quadrants(32), Nets.Short with { Checkpoint = Path.Combine(folder, "checkpoint") }) { Teachers = [Nets.Dense(16)] };
        new Trainer(job).Run();
        foreach (TrainingJob other in (TrainingJob[])[job with { Teachers = [Nets.Dense(16, seed: 2)] }, job with { Distillation = new() { Temperature = 2 } }, job with { Distillation = new() { Features = [new("hidden", "hidden")] } }])
            Assert.Contains("is a checkpoint of another model", Assert.Throws<TrainingException>(() => new Trainer(other).Run()).Message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private void AssertSame(TrainingJob job, int stopAt)
    {
        TrainingResult whole = new Trainer(job).Run();
        TrainingJob stored = job with { Settings = job.Settings with { Checkpoint = Path.Combine(folder, "checkpoint"), CheckpointSeconds = 1000 } };
        using CancellationTokenSource stop = new();
        Stopper stopper = new(stop, stopAt);
        Assert.Throws<OperationCanceledException>(() => new Trainer(stored).Run(stopper, stop.Token));
        TrainingResult resumed = new Trainer(stored).Run();
        Assert.Equal(whole.History, resumed.History);
        Assert.Equal(whole.Bytes(), resumed.Bytes());
    }

    private sealed class Stopper(CancellationTokenSource stop, int at) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Step == at)
                stop.Cancel();
        }
    }
}
