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
        IObjective? hard = loss is not null ? new CallerObjective(Graph.Program.Model, loss) : settings.Loss is TrainingLoss.None ? null : new LabelObjective(Graph.Program.Model, settings.Loss, job.Symbols);
        Objective = setup is null ? hard! : setup.Objective(Graph, hard);
        Forward = new(Graph, Objective, settings, job.Data.Feedback);
    }

    /// <summary>Reads the samples.</summary>
    public TrainingReader Reader { get; }

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
