using Tersor.Onnx;

namespace Tersor.Compression.Training;

/// <summary>What training came to.</summary>
/// <param name="Model">The trained model: the graph it was, with other weights.</param>
/// <param name="History">Every epoch.</param>
/// <param name="BestEpoch">The one whose weights were kept, from 1; 0: none was better than the model as training found it.</param>
/// <param name="MetricName">What validation measured: a metric's name, or "loss"; null without a validation set.</param>
public sealed record TrainingResult(Model Model, IReadOnlyList<TrainingEpoch> History, int BestEpoch, string? MetricName)
{
    /// <summary>What validation measured before the first step, which every epoch has to beat; null without a validation set.</summary>
    public double? Start { get; init; }

    /// <summary>Whether no epoch was better than the start, so that <see cref="Model"/> is what training was given; of a run from random weights, what it began with.</summary>
    public bool IsStart => BestEpoch == 0;

    /// <summary>The validation result of what was kept; null without a validation set.</summary>
    public double? Kept => BestEpoch == 0 ? Start : History[BestEpoch - 1].Validation;

    /// <summary>Names of the constants that were trained.</summary>
    public IReadOnlyList<string> Trained { get; init; } = [];

    /// <summary>Constants with a floating-point value that were not, with the reason.</summary>
    public IReadOnlyList<(string Name, string Reason)> Untouched { get; init; } = [];

    /// <summary>What the optimizer knew at the end, where the job asked for it: by the name of the weight, rows by name, each in the weight's shape. SGD has a "velocity"; Adam and AdamW have means of gradients
    /// ("first") and of their squares ("second").</summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, Tensor>> OptimizerState { get; init; } = new Dictionary<string, IReadOnlyDictionary<string, Tensor>>();

    /// <summary>What went wrong and was mended on the way, in words.</summary>
    public IReadOnlyList<string> Incidents { get; init; } = [];

    /// <summary>What was made small, of which output and with which labels, in words; null where no step was made.</summary>
    public string? Loss { get; init; }

    /// <summary>What was decided where settings left it open or could not be followed to the letter, in words.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Training samples a second, checkpoints and validation apart.</summary>
    public double SamplesPerSecond { get; init; }
}
