using Tersor.Onnx;

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

    /// <summary>Trains a chain: each assistant learns from the teachers, or from the assistant before it, and the job's model from the last.</summary>
    /// <param name="job">The student, and its teachers.</param>
    /// <param name="assistants">Models between them, the nearest to the teachers first.</param>
    /// <param name="progress">Told after every step, with the link of the chain, from 0.</param>
    /// <param name="cancellation">Stops it between steps; every link has a checkpoint of its own where one was asked for.</param>
    /// <returns>What every link came to, the student last.</returns>
    /// <exception cref="TrainingException">A model cannot be trained on these data.</exception>
    IReadOnlyList<TrainingResult> Distill(TrainingJob job, IReadOnlyList<Model> assistants, IProgress<(int Link, TrainingProgress Progress)>? progress = null, CancellationToken cancellation = default);

    /// <summary>Gradients of every weight the job would train, sample by sample, without training it: what pruning and mixed precision judge weights by.</summary>
    /// <param name="job">The model, the samples to go through once, the loss and the choice of weights; what says how to make steps is not looked at.</param>
    /// <param name="progress">Told after every sample how many there were.</param>
    /// <param name="cancellation">Stops it between samples.</param>
    /// <exception cref="TrainingException">The model cannot be differentiated on these data.</exception>
    GradientStatistics Gradients(TrainingJob job, IProgress<int>? progress = null, CancellationToken cancellation = default);
}
