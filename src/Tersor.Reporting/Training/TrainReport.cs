using Tersor.Compression.Training;

namespace Tersor.Reporting.Training;

/// <summary>What <c>tersor train</c> did.</summary>
public sealed record TrainReport
{
    /// <summary>The model that was read.</summary>
    public required string Input { get; init; }

    /// <summary>The model that was written.</summary>
    public required string Output { get; init; }

    /// <summary>Models it learned from; empty where it learned from labels only.</summary>
    public IReadOnlyList<string> Teachers { get; init; } = [];

    /// <summary>Training samples.</summary>
    public required int Samples { get; init; }

    /// <summary>Samples epochs were judged on.</summary>
    public required int ValidationSamples { get; init; }

    /// <summary>What validation measured.</summary>
    public required string? Metric { get; init; }

    /// <summary>What validation measured before the first step; null: nothing was held out.</summary>
    public double? Start { get; init; }

    /// <summary>Every epoch, from 1.</summary>
    public required IReadOnlyList<TrainingEpoch> Epochs { get; init; }

    /// <summary>The loss between them, as far as it was watched.</summary>
    public IReadOnlyList<LossPoint> Curve { get; init; } = [];

    /// <summary>The epoch whose weights were kept, from 1; 0: none was better than the start.</summary>
    public required int BestEpoch { get; init; }

    /// <summary>Whether no epoch was better than the start, so that the model was written as it was before training.</summary>
    public bool IsStart => BestEpoch == 0;

    /// <summary>The settings in one line.</summary>
    public required string Recipe { get; init; }

    /// <summary>Names of the constants that were trained.</summary>
    public required IReadOnlyList<string> Trained { get; init; }

    /// <summary>Floating-point constants that were not, with the reason.</summary>
    public required IReadOnlyList<UntouchedConstant> Untouched { get; init; }

    /// <summary>What was made small, of which output and with which labels; null where no step was made.</summary>
    public string? Loss { get; init; }

    /// <summary>What was decided where settings left it open or could not be followed to the letter.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>What went wrong and was mended on the way.</summary>
    public required IReadOnlyList<string> Incidents { get; init; }

    /// <summary>Training samples a second.</summary>
    public required double SamplesPerSecond { get; init; }

    /// <summary>Summarizes a result.</summary>
    public static TrainReport Of(string input, string output, TrainingJob job, TrainingResult result) => new()
    {
        Input = input,
        Output = output,
        Samples = job.Data.Count,
        ValidationSamples = job.Validation?.Count ?? 0,
        Metric = result.MetricName,
        Start = result.Start,
        Epochs = result.History,
        BestEpoch = result.BestEpoch,
        Recipe = TrainingRecipe.Of(job.Settings),
        Trained = result.Trained,
        Untouched = [.. result.Untouched.Select(u => new UntouchedConstant(u.Name, u.Reason))],
        Loss = result.Loss,
        Notes = result.Notes,
        Incidents = result.Incidents,
        SamplesPerSecond = result.SamplesPerSecond,
    };
}

/// <summary>A constant that stayed as it was.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Reason">Why.</param>
public sealed record UntouchedConstant(string Name, string Reason);
