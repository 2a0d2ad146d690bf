using System.Globalization;
using Tersor.Reporting.Training;

namespace Tersor.Cli.Printing;

/// <summary><see cref="TrainReport"/> for people.</summary>
internal static class TrainingTables
{
    public static void Print(TrainReport report, Printer printer)
    {
        string[][] start = report.Start is { } found ? [["0", "0", "", Number(found), "", report.IsStart ? "start, kept" : "start"]] : [];
        printer.Table(["epoch>", "steps>", "training loss>", $"{(report.Metric == "loss" ? "validation loss" : report.Metric ?? "validation")}>", "learning rate>", "note"], [.. start, .. report.Epochs.Select(e => new[]
        {
            Units.Count(e.Epoch), Units.Count(e.Step), Number(e.Loss), e.Validation is { } result ? Number(result) : "", e.LearningRate.ToString("0.0e0", CultureInfo.InvariantCulture), e.Epoch == report.BestEpoch ? "kept" : "",
        })]);
        printer.Facts(Facts(report));
    }

    private static IEnumerable<(string, string)> Facts(TrainReport report)
    {
        yield return (report.IsStart ? "tried" : "trained", $"{Units.Count(report.Trained.Count, "constant")}; {Units.Count(report.Untouched.Count)} left as they were (--json says why)");
        if (report.Loss is { } loss)
            yield return ("loss", loss);
        if (report.Teachers.Count > 0)
            yield return ("learned from", string.Join(", ", report.Teachers));
        yield return ("data", $"{Units.Count(report.Samples, "sample")}, {(report.ValidationSamples == 0 ? "none held out to judge by" : $"judged on {Units.Count(report.ValidationSamples)}")}");
        yield return ("recipe", report.Recipe);
        if (report.Epochs.Count > 0)
            yield return ("speed", $"{Units.Rate(report.SamplesPerSecond)} samples/s");
        foreach (string note in report.Notes)
            yield return ("note", note);
        foreach (string incident in report.Incidents)
            yield return ("incident", incident);
        yield return ("written", report.IsStart ? $"{WrittenFiles.Of(report.Output)}, as it was before training" : WrittenFiles.Of(report.Output));
    }

    private static string Number(double value) => value.ToString("0.0000", CultureInfo.InvariantCulture);
}
