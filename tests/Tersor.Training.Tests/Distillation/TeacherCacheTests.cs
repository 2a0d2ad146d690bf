using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Training.Data;
using Tersor.Training.Losses;
using Tersor.Training.Optimization;
using Tersor.Training.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Tersor.Training.Tests.Distillation;

public sealed class TeacherCacheTests
{
    private const int Samples = 48; // whole batches: libtorch may round a row of a smaller one differently

    private readonly TrainingJob job = new(Nets.Dense(8, seed: 5), SmallData.Quadrants(Samples), Nets.Short) { Teachers = [Nets.Dense(16), Nets.Dense(8, seed: 3)] };

    [Fact]
    public void Cached_answers_give_the_same_bytes()
    {
        byte[] cached = new Trainer(job).Run().Bytes();
        Assert.Equal(new Trainer(job with { Distillation = new() { CacheBytes = 0 } }).Run().Bytes(), cached);
        Assert.Equal(new Trainer(job with { Distillation = new() { CacheBytes = 4000 } }).Run().Bytes(), cached);
    }

    [Theory]
    [InlineData(3, 0.0, false, Samples)]
    [InlineData(3, 0.1, false, 3 * Samples)] // noise: no sample comes twice
    [InlineData(3, 0.0, true, 3 * Samples)]  // two samples of one name
    public void Teachers_look_at_every_sample_once(int epochs, double noise, bool twins, long expected)
    {
        IDataSet data = twins ? new InMemoryDataSet("twins", [.. Enumerable.Range(0, Samples).Select(i => job.Data.Read(i) with { Name = $"{i % 47}" })]) : job.Data;
        Assert.Equal(expected, Seen(job with { Data = data, Settings = job.Settings with { Augmentation = new() { Noise = noise } } }, epochs));
    }

    [Fact]
    public void Memory_is_bounded()
    {
        // A row is 16 bytes and what it takes to find it.
        Assert.Equal(3 * Samples, Seen(job with { Distillation = new() { CacheBytes = 150 } }, epochs: 3));
        Assert.Equal(3 * Samples, Seen(job with { Distillation = new() { CacheBytes = 0 } }, epochs: 3));
    }

    [Fact]
    public void Held_out_samples_of_the_same_names_have_answers_of_their_own()
    {
        TrainingJob validated = job with { Validation = SmallData.Quadrants(Samples, seed: 9), Settings = job.Settings with { KeepBest = false } };
        Assert.Equal(new Trainer(validated with { Distillation = new() { CacheBytes = 0 } }).Run().History, new Trainer(validated).Run().History);
    }

    [Fact]
    public void Answers_without_a_row_for_each_sample_are_not_kept()
    {
        // Samples on the second axis, and as many on the first as in a batch.
        Model model = Turned(2), teacher = Turned(7);
        TrainingJob turned = job with { Model = model, Teachers = [teacher], Settings = job.Settings with { BatchSize = 2 } };
        Assert.Equal(3 * Samples, Seen(turned, epochs: 3));

        static Model Turned(int seed) => Testing.Build.Model(["N", 2], (graph, x) =>
            Testing.Build.Apply(graph, "Transpose", [Testing.Build.Apply(graph, "MatMul", [x, graph.AddInitializer("w", Testing.Build.Normal(seed, 1, 2, 2))])]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1 << 20)]
    public void Steps_leave_no_tensors_behind(long cache)
    {
        TrainingJob images = Images.Job with { Distillation = new() { Features = [new("hidden", "hidden")], Attention = [new("hidden", "hidden")], CacheBytes = cache } };
        List<long> live = [];
        Seen(images, 4, () => live.Add(DisposeScopeManager.Statistics.ThreadTotalLiveCount));
        Assert.Equal(live[1], live[3]);
    }

    private static long Seen(TrainingJob job, int epochs, Action? epochDone = null)
    {
        TrainingReader reader = new(job.Data, job.Settings.BatchSize, ScalarType.Float32);
        using DistillationSetup setup = new(job, reader);
        using TrainableGraph graph = new(job.Model, job.Settings, helpers: setup.Helpers, needed: setup.StudentValues);
        ForwardPass forward = new(graph, setup.Objective(graph, null), job.Settings, job.Data.Feedback);
        for (int epoch = 0; epoch < epochs; epoch++)
        {
            foreach (IReadOnlyList<TrainingSequence> group in reader.Groups(1, epoch, 0, CancellationToken.None))
            {
                forward.Backward(group, epoch, 0, 0, 1, epoch);
                foreach (TrainingSequence sequence in group)
                    sequence.Dispose();
            }
            epochDone?.Invoke();
        }
        return setup.Teachers[0].SamplesSeen;
    }
}
