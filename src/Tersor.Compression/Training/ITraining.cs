namespace Tersor.Compression.Training;

/// <summary>What trains models. It is implemented in a package of its own, which brings half a gigabyte of native libraries; whoever only needs it to be there asks for this.</summary>
public interface ITraining
{
    /// <summary>Trains a model.</summary>
    /// <param name="job">What, on what, how.</param>
    /// <param name="progress">Told after every step.</param>
    /// <param name="cancellation">Stops it between steps; a checkpoint is written first where one was asked for.</param>
    /// <exception cref="TrainingException">The model cannot be trained on these data.</exception>
    TrainingResult Train(TrainingJob job, IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default);
}
