using Tersor.Compression.Training;
using Tersor.Onnx;

namespace Tersor.Training.Tests.Distillation;

public sealed class ProgressiveTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("tersor-").FullName;
    private readonly TrainingJob job = new(Nets.Dense(4, seed: 5), SmallData.Quadrants(32), Nets.Short) { Teachers = [Nets.Dense(32)], Distillation = new() { Features = [new("hidden", "hidden")] } };
    private readonly Model[] assistants = [Nets.Dense(16, seed: 3), Nets.Dense(8, seed: 4)];

    [Fact]
    public void Each_model_learns_from_the_one_before()
    {
        IReadOnlyList<TrainingResult> chain = new ProgressiveDistillation(job, assistants).Run();
        Model[] students = [.. assistants, job.Model], teachers = [job.Teachers[0], .. chain.Take(2).Select(r => r.Model)];
        Assert.Equal(3, chain.Count);
        for (int i = 0; i < chain.Count; i++)
            Assert.Equal(new Trainer(job with { Model = students[i], Teachers = [teachers[i]] }).Run().Bytes(), chain[i].Bytes());
    }

    [Fact]
    public void A_chain_that_was_stopped_goes_on_where_it_was()
    {
        byte[] whole = new ProgressiveDistillation(job, assistants).Run()[^1].Bytes();
        TrainingJob stored = job with { Settings = job.Settings with { Checkpoint = Path.Combine(folder, "chain"), CheckpointSeconds = 1000 } };
        using CancellationTokenSource stop = new();
        Reports first = new(p => { if (p is { Link: 1, Progress.Step: 5 }) stop.Cancel(); });
        Assert.Throws<OperationCanceledException>(() => new ProgressiveDistillation(stored, assistants).Run(first, stop.Token));
        Assert.Equal(["chain.1", "chain.2"], Directory.GetFiles(folder).Select(Path.GetFileName).Order());
        Reports second = new(_ => { });
        Assert.Equal(whole, new ProgressiveDistillation(stored, assistants).Run(second)[^1].Bytes());
        Assert.Equal((1, 6L), (second.Seen[0].Link, second.Seen[0].Progress.Step));
    }

    [Fact]
    public void A_chain_needs_a_teacher()
    {
        TrainingException error = Assert.Throws<TrainingException>(() => new ProgressiveDistillation(job with { Teachers = [] }, assistants).Run());
        Assert.Equal("A chain needs a teacher at its beginning. Name one.", error.Message);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private sealed class Reports(Action<(int Link, TrainingProgress Progress)> then) : IProgress<(int Link, TrainingProgress Progress)>
    {
        public List<(int Link, TrainingProgress Progress)> Seen { get; } = [];

        public void Report((int Link, TrainingProgress Progress) value)
        {
            Seen.Add(value);
            then(value);
        }
    }
}
