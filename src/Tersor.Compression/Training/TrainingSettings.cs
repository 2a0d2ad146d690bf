namespace Tersor.Compression.Training;

/// <summary>How a model is trained. Immutable; change it with <c>with</c>.</summary>
public sealed record TrainingSettings
{
    /// <summary>Times every sample is seen. Default 10.</summary>
    public int Epochs { get; init; } = 10;

    /// <summary>Steps after which training ends, whatever the epochs; null: none.</summary>
    public long? MaxSteps { get; init; }

    /// <summary>Time after which training ends, judging included; null: as long as it takes. The best so far is kept. A run that goes on from a checkpoint has as much again. The learning rate follows the steps, not the clock: a run
    /// that is cut short ends at the rate it had. Default null.</summary>
    public TimeSpan? TimeLimit { get; init; }

    /// <summary>Samples in a batch; of sequences, those whose gradients are added up before a step. Default 64.</summary>
    public int BatchSize { get; init; } = 64;

    /// <summary>Batches whose gradients are added up before a step. Default 1.</summary>
    public int Accumulate { get; init; } = 1;

    /// <summary>Steps of a sequence through which gradients go back in time; the state goes on beyond. Default 64.</summary>
    public int SequenceWindow { get; init; } = 64;

    /// <summary>What is made small. Default: found from the labels.</summary>
    public TrainingLoss Loss { get; init; } = new TrainingLoss.Auto();

    /// <summary>How weights follow their gradients. Default AdamW.</summary>
    public TrainingOptimizer Optimizer { get; init; } = new TrainingOptimizer.AdamW();

    /// <summary>The peak learning rate; null: <see cref="PeakLearningRate"/> tells. Default null.</summary>
    public double? LearningRate { get; init; }

    /// <summary>The peak learning rate that is used: the one asked for, else 0.0003 for a model that was trained before and 0.002 for random weights.</summary>
    public double PeakLearningRate => LearningRate ?? (Reinitialize ? 2e-3 : 3e-4);

    /// <summary>How the rate changes. Default: one cycle.</summary>
    public LearningRateSchedule Schedule { get; init; } = new LearningRateSchedule.OneCycle();

    /// <summary>Weight decay. Default 0.01.</summary>
    public double WeightDecay { get; init; } = 0.01;

    /// <summary>Norm the gradient is shortened to; null: never. Default 1.</summary>
    public double? ClipNorm { get; init; } = 1;

    /// <summary>Decay of a moving average of the weights, which is what is kept; 0: none. Default 0.</summary>
    public double Average { get; init; }

    /// <summary>Random changes to inputs. Default: none.</summary>
    public Augmentation Augmentation { get; init; } = new();

    /// <summary>What is trained, and what stays. Default: by role.</summary>
    public WeightSelection Weights { get; init; } = new();

    /// <summary>What BatchNormalization does while training. Default: trained.</summary>
    public BatchNormalizationMode BatchNormalization { get; init; } = BatchNormalizationMode.Train;

    /// <summary>Trains the scales of a quantized model too, those of weights and of activations. Default yes.</summary>
    public bool LearnScales { get; init; } = true;

    /// <summary>Starts from random weights instead of the model's. Default no.</summary>
    public bool Reinitialize { get; init; }

    /// <summary>Epochs without a better validation result than an epoch before, after which training ends; null: never.</summary>
    public int? Patience { get; init; }

    /// <summary>Keeps the weights that were best on the validation set, those of the start among them, not the last. Default yes.</summary>
    public bool KeepBest { get; init; } = true;

    /// <summary>Start of every random number. Default 0.</summary>
    public int Seed { get; init; }

    /// <summary>Threads libtorch computes with. The same bytes come out again at one thread. Default 1.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>File that training can be resumed from; null: none is written.</summary>
    public string? Checkpoint { get; init; }

    /// <summary>Seconds between checkpoints. Default 60.</summary>
    public double CheckpointSeconds { get; init; } = 60;

    /// <summary>Every broken rule, in words; empty when the settings are usable.</summary>
    public IEnumerable<string> Problems()
    {
        if (Epochs < 1)
            yield return $"{nameof(Epochs)} is {Epochs}; expected 1 or more.";
        if (MaxSteps < 1)
            yield return $"{nameof(MaxSteps)} is {MaxSteps}; expected 1 or more.";
        if (TimeLimit is { } time && time <= TimeSpan.Zero)
            yield return $"{nameof(TimeLimit)} is {time}; expected a time above 0.";
        if (BatchSize < 1)
            yield return $"{nameof(BatchSize)} is {BatchSize}; expected 1 or more.";
        if (Accumulate < 1)
            yield return $"{nameof(Accumulate)} is {Accumulate}; expected 1 or more.";
        if (SequenceWindow < 1)
            yield return $"{nameof(SequenceWindow)} is {SequenceWindow}; expected 1 or more.";
        if (LearningRate is { } rate && !(rate > 0 && double.IsFinite(rate)))
            yield return $"{nameof(LearningRate)} is {LearningRate}; expected a positive number.";
        if (!(WeightDecay >= 0 && double.IsFinite(WeightDecay)))
            yield return $"{nameof(WeightDecay)} is {WeightDecay}; expected 0 or more.";
        if (ClipNorm is { } clip && !(clip > 0))
            yield return $"{nameof(ClipNorm)} is {clip}; expected a positive number.";
        if (!(Average is >= 0 and < 1))
            yield return $"{nameof(Average)} is {Average}; expected 0..1, 1 excluded.";
        if (Patience < 1)
            yield return $"{nameof(Patience)} is {Patience}; expected 1 or more.";
        if (Threads < 1)
            yield return $"{nameof(Threads)} is {Threads}; expected 1 or more.";
        if (!(CheckpointSeconds >= 0))
            yield return $"{nameof(CheckpointSeconds)} is {CheckpointSeconds}; expected 0 or more.";
        if (Loss is TrainingLoss.CrossEntropy { LabelSmoothing: not (>= 0 and < 1) } smoothed)
            yield return $"{nameof(TrainingLoss.CrossEntropy.LabelSmoothing)} is {smoothed.LabelSmoothing}; expected 0..1, 1 excluded.";
        foreach (string problem in Augmentation.Problems().Concat(Optimizer.Problems()).Concat(Schedule.Problems()))
            yield return problem;
    }
}

/// <summary>What BatchNormalization nodes do while training.</summary>
public enum BatchNormalizationMode
{
    /// <summary>They normalize by the batch, and their statistics follow. A model that starts from random weights gets one behind every convolution into which one was folded, for the time of training.</summary>
    Train,

    /// <summary>They stay as they are: their statistics are constants. Their scale and shift are trained.</summary>
    Freeze,
}
