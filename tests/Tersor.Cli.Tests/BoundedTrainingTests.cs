using Tersor.Cli.Running;
using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Onnx;

namespace Tersor.Cli.Tests;

/// <summary>'tersor quantize --train --time': one bound for search, training and judging.</summary>
public sealed class BoundedTrainingTests
{
    [Fact]
    public async Task Training_has_what_the_search_has_left_but_for_a_tenth()
    {
        Recorder recorder = new();
        BoundedTraining bounded = new(recorder, TimeSpan.FromSeconds(100));
        await Task.Delay(200, TestContext.Current.CancellationToken);
        bounded.Train(Job());
        Assert.InRange(recorder.Limit!.Value.TotalSeconds, 60, 0.9 * 99.8 + 0.02);
    }

    [Fact]
    public void Where_nothing_is_left_training_is_told_to_end_at_once()
    {
        Recorder recorder = new();
        new BoundedTraining(recorder, TimeSpan.Zero).Train(Job());
        Assert.Equal(TimeSpan.FromTicks(1), recorder.Limit);
        Assert.Empty(new TrainingSettings { TimeLimit = recorder.Limit }.Problems());
    }

    private static TrainingJob Job() => new(SmallModels.Classifier(), new InMemoryDataSet("none", []), new());

    /// <summary>Keeps what it was told.</summary>
    private sealed class Recorder : ITraining
    {
        public TimeSpan? Limit { get; private set; }

        public TrainingResult Train(TrainingJob job, IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default)
        {
            Limit = job.Settings.TimeLimit;
            return new(job.Model, [], 0, null);
        }

        public IReadOnlyList<TrainingResult> Distill(TrainingJob job, IReadOnlyList<Model> assistants, IProgress<(int Link, TrainingProgress Progress)>? progress = null, CancellationToken cancellation = default) => throw new NotSupportedException();

        public GradientStatistics Gradients(TrainingJob job, IProgress<int>? progress = null, CancellationToken cancellation = default) => throw new NotSupportedException();
    }
}
