using Tersor.Pipeline.Evaluation;
using Tersor.Reporting.Evaluation;

namespace Tersor.Cli.Printing;

/// <summary><see cref="EvaluationReport"/> and <see cref="ComparisonReport"/> for people.</summary>
internal static class EvaluationTables
{
    public static void Print(EvaluationReport report, Printer printer)
    {
        printer.Table(["metric", "value>"], report.Metrics.Select(m => new[] { m.Metric, Value(m) }));
        printer.Line($"{Units.Count(report.Samples, "sample")} of {report.Data} in {report.Seconds:0.0} s");
        LeftOut(report.LeftOut, printer);
    }

    public static void Print(ComparisonReport report, Printer printer)
    {
        (ComparedModel first, ComparedModel second) = (report.Models[0], report.Models[1]);
        printer.Table(["", $"{first.Model}>", $"{second.Model}>"], Rows(first, second));
        printer.Heading("Outputs of the second against the first");
        printer.Table(["metric", "value>"], report.Outputs.Select(m => new[] { m.Metric, Value(m) }));
        printer.Line($"{Units.Count(report.Samples, "sample")} of {report.Data}");
        LeftOut(report.LeftOut, printer);
        printer.Line();
        BenchmarkTables.Print(report.Latency, printer);
    }

    /// <summary>A figure, with as many digits as make sense.</summary>
    public static string Value(MetricValue metric) => double.IsNaN(metric.Value) ? "-" : double.IsInfinity(metric.Value) ? metric.Value > 0 ? "∞" : "-∞"
        : metric.Metric is "sqnr" or "psnr" ? $"{metric.Value:0.0} dB" : metric.Metric == "mse" ? metric.Value.ToString("0.00e0") : metric.Value.ToString("0.0000");

    private static void LeftOut(IReadOnlyList<string> outputs, Printer printer)
    {
        if (outputs.Count > 0)
            printer.Line($"Left out, since {(outputs.Count == 1 ? "it is no tensor" : "they are no tensors")}: {string.Join("; ", outputs)}");
    }

    private static IEnumerable<string[]> Rows(ComparedModel first, ComparedModel second)
    {
        yield return ["size", Units.Bytes(first.Bytes), $"{Units.Bytes(second.Bytes)} ({(double)second.Bytes / first.Bytes:0.00}x)"];
        foreach ((MetricValue a, MetricValue b) in first.Metrics.Zip(second.Metrics))
            yield return [a.Metric, Value(a), Value(b)];
    }
}
