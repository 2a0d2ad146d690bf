namespace Tersor.Compression.Training;

/// <summary>How far training has come.</summary>
/// <param name="Epoch">The one that is running, from 1.</param>
/// <param name="Step">Steps done.</param>
/// <param name="Steps">Steps there are.</param>
/// <param name="Loss">Average of the last steps.</param>
/// <param name="SamplesPerSecond">Average speed of this run.</param>
/// <param name="Validation">The last validation result; null without a validation set.</param>
public sealed record TrainingProgress(int Epoch, long Step, long Steps, double Loss, double SamplesPerSecond, double? Validation)
{
    /// <summary>Time until training ends, at the pace so far and within <see cref="TrainingSettings.TimeLimit"/>; null while there is no pace.</summary>
    public TimeSpan? Remaining { get; init; }
}

/// <summary>What an epoch came to.</summary>
/// <param name="Epoch">From 1: epoch 0 is the model as training found it.</param>
/// <param name="Step">Steps done at its end.</param>
/// <param name="Loss">Average over its steps.</param>
/// <param name="LearningRate">At its end.</param>
/// <param name="Validation">The metric on the validation set, or its loss where there is no metric; null without a validation set.</param>
public sealed record TrainingEpoch(int Epoch, long Step, double Loss, double LearningRate, double? Validation);
