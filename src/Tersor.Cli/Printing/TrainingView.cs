using System.Globalization;
using Tersor.Compression.Training;
using Tersor.Pipeline;
using Tersor.Reporting.Training;

namespace Tersor.Cli.Printing;

/// <summary>Training as it goes: the progress bar says epoch, loss, validation result and speed.</summary>
internal sealed class TrainingView(Progress progress) : IProgress<TrainingProgress>, IProgress<(int Link, TrainingProgress Progress)>, IDisposable
{
    private LossCurve curve = new();
    private int last;

    /// <summary>With a bar of its own.</summary>
    public TrainingView(Terminal terminal) : this(new Progress(terminal, "preparing"))
    {
    }

    /// <summary>The loss of the model that was trained last.</summary>
    public IReadOnlyList<LossPoint> Curve => curve.Points;

    public void Report(TrainingProgress value)
    {
        curve.Report(value);
        Show("", value);
    }

    public void Report((int Link, TrainingProgress Progress) value)
    {
        if (value.Link != last)
            (curve, last) = (new(), value.Link);
        curve.Report(value.Progress);
        Show($"model {value.Link + 1}, ", value.Progress);
    }

    private void Show(string model, TrainingProgress value) => progress.Report(new JobProgress(string.Create(CultureInfo.InvariantCulture,
        $"{model}epoch {value.Epoch}, step {value.Step}/{value.Steps}, loss {value.Loss:0.0000}{(value.Validation is { } result ? $", validation {result:0.0000}" : "")}, {Units.Rate(value.SamplesPerSecond)} samples/s{(value.Remaining is { } left ? $", {Units.Time(left)} left" : "")}"), (double)value.Step / Math.Max(value.Steps, 1)));

    public void Dispose() => progress.Dispose();
}
