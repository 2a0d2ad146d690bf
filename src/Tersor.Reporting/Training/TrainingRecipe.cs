using System.Globalization;
using Tersor.Compression.Training;

namespace Tersor.Reporting.Training;

/// <summary>The settings of a run in one line: what whoever repeats it has to know.</summary>
internal static class TrainingRecipe
{
    public static string Of(TrainingSettings settings)
    {
        string batch = settings.Accumulate == 1 ? $"{settings.BatchSize}" : $"{settings.Accumulate} times {settings.BatchSize}";
        string[] parts =
        [
            $"{Plural.Of(settings.Epochs, "epoch")} at most in batches of {batch}{(settings.MaxSteps is { } steps ? $", or {Plural.Of(steps, "step")}" : "")}{(settings.Reinitialize ? ", from random weights" : "")}",
            $"{settings.Optimizer.GetType().Name}, {Rate(settings)}, weight decay {Number(settings.WeightDecay)}",
            .. settings.ClipNorm is { } norm ? [$"gradients shortened to {Number(norm)}"] : Array.Empty<string>(),
            .. settings.Average > 0 ? [$"moving average {Number(settings.Average)}"] : Array.Empty<string>(),
            $"seed {settings.Seed}",
        ];
        return string.Join("; ", parts);
    }

    private static string Rate(TrainingSettings settings)
    {
        string peak = Number(settings.PeakLearningRate);
        return settings.Schedule switch
        {
            LearningRateSchedule.Constant => $"learning rate {peak}",
            LearningRateSchedule.OneCycle => $"learning rate up to {peak} and down in one cycle",
            LearningRateSchedule.Cosine => $"learning rate from {peak} down a cosine",
            _ => $"learning rate from {peak} down in steps",
        };
    }

    private static string Number(double value) => value.ToString("0.##########", CultureInfo.InvariantCulture);
}
