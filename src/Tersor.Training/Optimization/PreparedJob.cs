using Tersor.Compression.Training;
using Tersor.Training.Data;
using Tersor.Training.Losses;
using Tersor.Training.Weights;
using static TorchSharp.torch;

namespace Tersor.Training.Optimization;

/// <summary>A job made ready: the graph that runs, what is made small, and passes through both.</summary>
internal sealed class PreparedJob : IDisposable
{
    private readonly DistillationSetup? setup;

    /// <param name="job">What, on what, how.</param>
    /// <param name="loss">A loss of the caller's own; null: the job's.</param>
    /// <exception cref="TrainingException">The model cannot be trained on these data.</exception>
    public PreparedJob(TrainingJob job, Func<IReadOnlyDictionary<string, Tensor>, IReadOnlyDictionary<string, Tensor>, Tensor>? loss)
    {
        TrainingSettings settings = job.Settings;
        Reader = new(job.Data, settings.BatchSize, ScalarType.Float32);
        setup = job.Teachers.Count > 0 ? new(job, Reader) : null;
        Graph = new(job.Model, settings, helpers: setup?.Helpers, needed: setup?.StudentValues, latent: job.Latent);
        IObjective? hard = loss is not null ? new CallerObjective(Graph.Program.Model, loss) : settings.Loss is TrainingLoss.None ? null : new LabelObjective(Graph.Program.Model, settings.Loss, job.Symbols, job.Data);
        Objective = setup is null ? hard! : setup.Objective(Graph, hard);
        Graph.Program.Require(Objective.Wanted);
        OneByOne = BatchCheck.Obstacle(Graph, Objective.Wanted, setup?.Teachers ?? [], Reader);
        Reader.IsOneByOne = OneByOne is not null;
        Forward = new(Graph, Objective, settings, job.Data.Feedback);
    }

    /// <summary>Refuses what cannot be run.</summary>
    /// <param name="job">What, on what, how.</param>
    /// <param name="ownLoss">Whether the caller has a loss of its own.</param>
    /// <exception cref="TrainingException">The settings cannot be used.</exception>
    public static void Check(TrainingJob job, bool ownLoss)
    {
        string[] problems = [.. job.Settings.Problems(), .. job.Distillation?.Problems() ?? []];
        if (problems.Length > 0)
            throw new TrainingException(string.Join(" ", problems));
        if (job.Data.Count == 0)
            throw new TrainingException($"'{job.Data.Name}' has no samples to train on.");
        if (job.Teachers.Count == 0 && job.Distillation is not null)
            throw new TrainingException("Distillation is asked for, and there is no teacher. Name one.");
        if (job.Teachers.Count == 0 && !ownLoss && job.Settings.Loss is TrainingLoss.None)
            throw new TrainingException("There is no loss, and no teacher to learn from. Name one of them.");
    }

    /// <summary>Reads the samples.</summary>
    public TrainingReader Reader { get; }

    /// <summary>Who takes one sample at a time, so that gradients of a batch are added up; null: nobody.</summary>
    public string? OneByOne { get; }

    /// <summary>The model.</summary>
    public TrainableGraph Graph { get; }

    /// <summary>What is made small.</summary>
    public IObjective Objective { get; }

    /// <summary>Runs samples through the graph, and gradients back.</summary>
    public ForwardPass Forward { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Graph.Dispose();
        setup?.Dispose();
    }
}
