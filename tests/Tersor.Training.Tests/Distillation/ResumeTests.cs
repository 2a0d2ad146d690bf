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
        byte[] whole = new Trainer(job).Run().Bytes();
        TrainingJob stored = job with { Settings = job.Settings with { Checkpoint = Path.Combine(folder, "checkpoint"), CheckpointSeconds = 1000 } };
        using CancellationTokenSource stop = new();
        Stopper stopper = new(stop, stopAt);
        Assert.Throws<OperationCanceledException>(() => new Trainer(stored).Run(stopper, stop.Token));
        Assert.Equal(whole, new Trainer(stored).Run().Bytes());
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

    private sealed class Stopper(CancellationTokenSource stop, int at) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Step == at)
                stop.Cancel();
        }
    }
}
