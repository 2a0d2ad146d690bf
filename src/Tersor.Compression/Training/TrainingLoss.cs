namespace Tersor.Compression.Training;

/// <summary>What training makes small: a closed family. Losses of classes work on logits: a trailing Softmax, LogSoftmax or Sigmoid is looked through.</summary>
public abstract record TrainingLoss
{
    private TrainingLoss()
    {
    }

    /// <summary>The output it judges; null: the first.</summary>
    public string? Output { get; init; }

    /// <summary>The label it compares with; null: the only one, or the one named "label".</summary>
    public string? Label { get; init; }

    /// <summary>By what labels and outputs are: class indices give cross-entropy, 0 and 1 for an output behind a Sigmoid binary cross-entropy, text connectionist temporal classification, numbers the mean squared error.</summary>
    public sealed record Auto : TrainingLoss;

    /// <summary>Cross-entropy between class indices and logits, whose classes lie on the last axis, or on the second of four.</summary>
    /// <param name="LabelSmoothing">Share of the target that is spread over all classes, 0..1 (1 excluded). Default 0.</param>
    public sealed record CrossEntropy(double LabelSmoothing = 0) : TrainingLoss;

    /// <summary>Cross-entropy of independent yes-or-no answers.</summary>
    public sealed record BinaryCrossEntropy : TrainingLoss;

    /// <summary>Mean of squared differences.</summary>
    public sealed record MeanSquaredError : TrainingLoss;

    /// <summary>Mean of absolute differences.</summary>
    public sealed record MeanAbsoluteError : TrainingLoss;

    /// <summary>Connectionist temporal classification: labels without positions, outputs [samples, positions, symbols].</summary>
    /// <param name="Blank">Index of the symbol that stands for none. Default 0.</param>
    /// <remarks>Source: Graves et al. 2006, "Connectionist temporal classification".</remarks>
    public sealed record Ctc(int Blank = 0) : TrainingLoss;

    /// <summary>None: only what teachers say counts.</summary>
    public sealed record None : TrainingLoss;
}
