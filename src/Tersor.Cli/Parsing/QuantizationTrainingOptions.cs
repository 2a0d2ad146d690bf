using System.CommandLine;
using Tersor.Compression.Training;

namespace Tersor.Cli.Parsing;

/// <summary>The options of quantization-aware training. Without --train none of the others may be given.</summary>
internal sealed class QuantizationTrainingOptions
{
    /// <summary>Learning from the float model alone is quick, and more than a little of it does no good.</summary>
    private static readonly TrainingSettings Default = new() { Epochs = 3, WeightDecay = 0, Loss = new TrainingLoss.None() };

    private readonly Option<bool> train = new("--train") { Description = "Quantization-aware training: train the quantized model, rounding in every step, on what the float model answers. Labels are not needed. Needs the package Tersor.Training." };
    private readonly Option<int> epochs = CommonOptions.Number("--epochs", "With --train: times every sample is seen.", Default.Epochs, 1);
    private readonly Option<int?> steps = new("--steps") { HelpName = "n", Description = "With --train: steps after which training ends, whatever the epochs." };
    private readonly Option<int> batch = CommonOptions.Number("--batch", "With --train: samples in a batch.", Default.BatchSize, 1);
    private readonly Option<double> rate = new("--learning-rate") { HelpName = "x", Description = "With --train: the peak learning rate. Few bits want more of it: 0.001 for 2.", DefaultValueFactory = _ => Default.PeakLearningRate };
    private readonly Option<bool> labels = new("--labels") { Description = "With --train: learn from labels too, by a tenth." };
    private readonly Option<bool> fixedScales = CommonOptions.FixedScales("With --train: leave");
    private readonly Option<string?> checkpoint = new("--checkpoint") { HelpName = "file", Description = "With --train: write checkpoints to this file, and go on from it where it exists." };

    private Option[] Others => [epochs, steps, batch, rate, labels, fixedScales, checkpoint];

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[train, .. Others])
            command.Add(option);
    }

    /// <summary>How to train; null: not at all.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="seed">Start of every random number.</param>
    /// <param name="threads">Threads to compute with.</param>
    /// <param name="stranger">An option given that has no meaning with --train; null: none.</param>
    /// <exception cref="UsageException">An option that says how, without --train, or one that has no meaning with it.</exception>
    public TrainingSettings? Read(ParseResult parsed, int seed, int threads, string? stranger)
    {
        if (!parsed.GetValue(train))
        {
            return Others.FirstOrDefault(o => parsed.GetResult(o) is { Implicit: false }) is { } stray ? throw new UsageException($"{stray.Name} says how to train; give --train too, or leave it out.") : null;
        }
        if (stranger is not null)
            throw new UsageException($"{stranger} is for the search, and --train makes none; leave one of them out.");
        TrainingSettings settings = Default with
        {
            Epochs = parsed.GetValue(epochs),
            MaxSteps = parsed.GetValue(steps),
            BatchSize = parsed.GetValue(batch),
            LearningRate = parsed.GetValue(rate),
            Loss = parsed.GetValue(labels) ? new TrainingLoss.Auto() : new TrainingLoss.None(),
            LearnScales = !parsed.GetValue(fixedScales),
            Seed = seed,
            Threads = Math.Max(threads, 1),
            Checkpoint = parsed.GetValue(checkpoint),
        };
        string[] problems = [.. settings.Problems()];
        return problems.Length == 0 ? settings : throw new UsageException(string.Join(" ", problems));
    }
}
