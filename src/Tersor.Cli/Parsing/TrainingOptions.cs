using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Tersor.Compression.Training;

namespace Tersor.Cli.Parsing;

/// <summary>The options that say how a model is trained.</summary>
internal sealed class TrainingOptions
{
    private static readonly TrainingSettings Default = new();

    private static readonly Dictionary<string, Func<bool, LearningRateSchedule>> Schedules = new(StringComparer.Ordinal)
    {
        ["one-cycle"] = moves => new LearningRateSchedule.OneCycle() { MovesMomentum = moves },
        ["cosine"] = _ => new LearningRateSchedule.Cosine(),
        ["step"] = _ => new LearningRateSchedule.Step(),
        ["constant"] = _ => new LearningRateSchedule.Constant(),
    };

    private static readonly Dictionary<string, Func<double, TrainingOptimizer>> Optimizers = new(StringComparer.Ordinal)
    {
        ["adamw"] = _ => new TrainingOptimizer.AdamW(),
        ["adam"] = _ => new TrainingOptimizer.Adam(),
        ["sgd"] = momentum => new TrainingOptimizer.Sgd(momentum),
    };

    private static readonly Dictionary<string, Func<double, TrainingLoss>> Losses = new(StringComparer.Ordinal)
    {
        ["auto"] = smoothing => smoothing != 0 ? new TrainingLoss.CrossEntropy(smoothing) : new TrainingLoss.Auto(),
        ["cross-entropy"] = smoothing => new TrainingLoss.CrossEntropy(smoothing),
        ["binary-cross-entropy"] = _ => new TrainingLoss.BinaryCrossEntropy(),
        ["ctc"] = _ => new TrainingLoss.Ctc(),
        ["mse"] = _ => new TrainingLoss.MeanSquaredError(),
        ["mae"] = _ => new TrainingLoss.MeanAbsoluteError(),
    };

    private static readonly Dictionary<string, BatchNormalizationMode> Normalizations = new(StringComparer.Ordinal) { ["train"] = BatchNormalizationMode.Train, ["freeze"] = BatchNormalizationMode.Freeze };

    private readonly Option<int> epochs = CommonOptions.Number("--epochs", "Times every sample is seen.", Default.Epochs, 1);
    private readonly Option<int?> steps = new("--steps") { HelpName = "n", Description = "Steps after which training ends, whatever the epochs." };
    private readonly Option<TimeSpan?> time = TimeOption.Create("--time", "Time after which training ends, whatever epochs and steps; the best so far is the result. The learning rate follows the steps: with few of them made it is cut off where it was. Default: no limit.");
    private readonly Option<int> batch = CommonOptions.Number("--batch", "Samples in a batch; of sequences, those whose gradients make one step.", Default.BatchSize, 1);
    private readonly Option<int> accumulate = CommonOptions.Number("--accumulate", "Batches whose gradients are added up before a step.", Default.Accumulate, 1);
    private readonly Option<int> window = CommonOptions.Number("--window", "Steps of a sequence through which gradients go back in time.", Default.SequenceWindow, 1);
    private readonly Option<string> loss = Choice("--loss", "What is made small; auto finds it from labels and outputs", Losses.Keys, "auto");
    private readonly Option<string?> lossOutput = new("--loss-output") { HelpName = "name", Description = "The output the loss judges. Default: the first." };
    private readonly Option<double> smoothing = Number("--label-smoothing", "Share of the target of cross-entropy that is spread over all classes, 0..1.", 0);
    private readonly Option<string> optimizer = Choice("--optimizer", "How weights follow their gradients", Optimizers.Keys, "adamw");
    private readonly Option<double?> momentum = new("--momentum") { HelpName = "x", Description = $"Momentum of sgd, 0..1. Default: {new TrainingOptimizer.Sgd().Momentum.ToString(CultureInfo.InvariantCulture)}; with one-cycle it falls while the rate rises." };
    private readonly Option<double?> rate = new("--learning-rate") { HelpName = "x", Description = $"The peak learning rate. Default: {Rate(Default)}; with --reinitialize {Rate(Default with { Reinitialize = true })}." };
    private readonly Option<string> schedule = Choice("--schedule", "How the learning rate changes", Schedules.Keys, "one-cycle");
    private readonly Option<int> warmUp = CommonOptions.Number("--warm-up", "Steps in which the rate first rises from 0.", 0, 0);
    private readonly Option<double> decay = Number("--weight-decay", "Weight decay.", Default.WeightDecay);
    private readonly Option<double> clip = Number("--clip-norm", "Norm the gradient is shortened to; 0: never.", Default.ClipNorm ?? 0);
    private readonly Option<double> average = Number("--average", "Decay of a moving average of the weights, which is then what is kept; 0: none.", Default.Average);
    private readonly Option<double> flip = Number("--flip", "Share of batches of images that are mirrored left-right, 0..1.", Default.Augmentation.Flip);
    private readonly Option<int> crop = CommonOptions.Number("--crop", "Pixels by which images are shifted at random.", Default.Augmentation.Crop, 0);
    private readonly Option<double> erase = Number("--erase", "Share of every image that is erased at a random place, 0..1.", Default.Augmentation.Erase);
    private readonly Option<double> noise = Number("--noise", "Standard deviation of noise that is added to inputs.", Default.Augmentation.Noise);
    private readonly Option<string[]> train = Names("--train", "Train constants of this name too (* and ? allowed), whatever their role; may be given several times.");
    private readonly Option<string[]> freeze = Names("--freeze", "Leave constants of this name as they are (* and ? allowed); may be given several times. A longer --train wins: --freeze '*' --train 'fc*'.");
    private readonly Option<string[]> freezeNodes = Names("--freeze-nodes", "Leave the weights of nodes of this name as they are (* and ? allowed); may be given several times.");
    private readonly Option<string> normalization = Choice("--batch-normalization", "What BatchNormalization does meanwhile: train (normalize by the batch, statistics follow) or freeze", Normalizations.Keys, "train");
    private readonly Option<bool> fixedScales = CommonOptions.FixedScales("Of a model that holds integers: leave");
    private readonly Option<bool> reinitialize = new("--reinitialize") { Description = "Start from random weights." };
    private readonly Option<int?> patience = new("--patience") { HelpName = "n", Description = "Epochs without a better validation result after which training ends." };
    private readonly Option<bool> last = new("--keep-last") { Description = "Keep the weights of the last epoch, not those of the best, be they worse than the input's." };
    private readonly Option<int> seed = CommonOptions.Number("--seed", "Start of every random number.", Default.Seed, 0);
    private readonly Option<int> threads = CommonOptions.Number("--threads", "Threads to compute with. With one, the same bytes come out again.", Default.Threads, 1);
    private readonly Option<string?> checkpoint = new("--checkpoint") { HelpName = "file", Description = "Write checkpoints to this file, and go on from it where it exists." };
    private readonly Option<double> every = Number("--checkpoint-seconds", "Seconds between checkpoints.", Default.CheckpointSeconds);

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { epochs, steps, time, batch, accumulate, window, loss, lossOutput, smoothing, optimizer, momentum, rate, schedule, warmUp, decay, clip, average, flip, crop, erase, noise,
            train, freeze, freezeNodes, normalization, fixedScales, reinitialize, patience, last, seed, threads, checkpoint, every })
        {
            command.Add(option);
        }
    }

    /// <summary>What was asked for.</summary>
    /// <exception cref="UsageException">Options contradict each other.</exception>
    public TrainingSettings Read(ParseResult parsed)
    {
        if (parsed.GetValue(momentum) is not null && parsed.GetValue(optimizer) != "sgd")
            throw new UsageException("--momentum is sgd's; give --optimizer sgd too, or leave it out.");
        if (parsed.GetResult(smoothing) is { Implicit: false } && parsed.GetValue(loss) is not ("auto" or "cross-entropy") and var other)
            throw new UsageException($"--label-smoothing is cross-entropy's, and --loss is {other}; leave one of them out.");
        return Settings(parsed);
    }

    private TrainingSettings Settings(ParseResult parsed) => new()
    {
        Epochs = parsed.GetValue(epochs),
        MaxSteps = parsed.GetValue(steps),
        TimeLimit = parsed.GetValue(time),
        BatchSize = parsed.GetValue(batch),
        Accumulate = parsed.GetValue(accumulate),
        SequenceWindow = parsed.GetValue(window),
        Loss = Losses[parsed.GetValue(loss)!](parsed.GetValue(smoothing)) with { Output = parsed.GetValue(lossOutput) },
        Optimizer = Optimizers[parsed.GetValue(optimizer)!](parsed.GetValue(momentum) ?? new TrainingOptimizer.Sgd().Momentum),
        LearningRate = parsed.GetValue(rate),
        Schedule = Schedules[parsed.GetValue(schedule)!](parsed.GetValue(momentum) is null) with { WarmUp = parsed.GetValue(warmUp) },
        WeightDecay = parsed.GetValue(decay),
        ClipNorm = parsed.GetValue(clip) is var norm && norm == 0 ? null : norm,
        Average = parsed.GetValue(average),
        Augmentation = new() { Flip = parsed.GetValue(flip), Crop = parsed.GetValue(crop), Erase = parsed.GetValue(erase), Noise = parsed.GetValue(noise) },
        Weights = new() { Train = parsed.GetValue(train)!, Freeze = parsed.GetValue(freeze)!, FreezeNodes = parsed.GetValue(freezeNodes)! },
        BatchNormalization = Normalizations[parsed.GetValue(normalization)!],
        LearnScales = !parsed.GetValue(fixedScales),
        Reinitialize = parsed.GetValue(reinitialize),
        Patience = parsed.GetValue(patience),
        KeepBest = !parsed.GetValue(last),
        Seed = parsed.GetValue(seed),
        Threads = parsed.GetValue(threads),
        Checkpoint = parsed.GetValue(checkpoint),
        CheckpointSeconds = parsed.GetValue(every),
    };

    private static string Rate(TrainingSettings settings) => settings.PeakLearningRate.ToString(CultureInfo.InvariantCulture);

    private static Option<double> Number(string name, string description, double value) => new(name) { HelpName = "x", Description = description, DefaultValueFactory = _ => value };

    private static Option<string[]> Names(string name, string description) => new(name) { HelpName = "name", Description = description, DefaultValueFactory = _ => [] };

    private static Option<string> Choice(string name, string description, IReadOnlyCollection<string> values, string value) => new(name)
    {
        HelpName = string.Join('|', values),
        Description = $"{description}.",
        DefaultValueFactory = _ => value,
        Validators =
        {
            result =>
            {
                foreach (Token token in result.Tokens.Where(t => !values.Contains(t.Value)))
                    result.AddError($"{name} is '{token.Value}'; expected {string.Join(", ", values)}.");
            },
        },
    };
}
