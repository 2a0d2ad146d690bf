using Tersor.Pipeline.Quantization;
using Tersor.Reporting.Optimization;
using Tersor.Reporting.Quantization;

namespace Tersor.Cli.Printing;

/// <summary><see cref="QuantizeReport"/> for people.</summary>
internal static class QuantizationTables
{
    private const int MostSensitive = 10;

    public static void Print(QuantizeReport report, Printer printer)
    {
        if (report.Sensitivities.Count > 0)
        {
            printer.Heading($"Layers by the error each causes alone (the first {Math.Min(MostSensitive, report.Sensitivities.Count)} of {report.Sensitivities.Count})");
            printer.Table(["layer", "SQNR dB>"], report.Sensitivities.Take(MostSensitive).Select(s => new[] { s.Layer, Decibel(-10 * Math.Log10(s.Noise)) }));
        }
        if (report.Candidates.Count > 0)
        {
            printer.Heading("Candidates, on held-out samples" + (report.FloatMetric is { } value ? $" (float: {report.Metric} {value:0.0000})" : ""));
            string[] metric = report.Metric is { } name ? [$"{name}>"] : [];
            printer.Table(["layers kept float>", .. metric, "SQNR dB>", "speed-up>", "", "what"], report.Candidates.Select(c => (string[])
                [Units.Count(c.FloatLayers), .. metric.Select(_ => c.Metric?.ToString("0.0000") ?? "-"), Decibel(c.Sqnr), c.SpeedUp is { } times ? $"{times.Median:0.00}x" : "-", c.Chosen ? "chosen" : "", c.Name]));
        }
        if (report.Evidence.Repairs.Count > 0)
        {
            printer.Heading("Repairs tried, on held-out samples");
            string[] metric = report.Metric is { } name ? [$"{name}>", ">"] : [];
            printer.Table(["repair", "SQNR dB>", ">", .. metric, ""], report.Evidence.Repairs.Select(r => (string[])
                [r.Name, Decibel(r.SqnrBefore), $"→ {Decibel(r.SqnrAfter)}", .. metric.Length == 0 ? Array.Empty<string>() : [r.MetricBefore?.ToString("0.0000") ?? "-", $"→ {r.MetricAfter:0.0000}"], r.Kept ? "kept" : ""]));
        }
        Subjects("Quantized", "how", report.Quantized.Select(s => s with { What = s.What.Split(" for ")[0] }), printer);
        Subjects("Left float", "reason", report.Float, printer);
        printer.Facts(Facts(report));
    }

    /// <summary>Nodes or weights by what was done to them, the most frequent first.</summary>
    private static void Subjects(string heading, string what, IEnumerable<Subject> subjects, Printer printer)
    {
        IGrouping<string, Subject>[] groups = [.. subjects.GroupBy(s => s.What).OrderByDescending(g => g.Count()).ThenBy(g => g.Key, StringComparer.Ordinal)];
        if (groups.Length == 0)
            return;
        printer.Heading(heading);
        printer.Table(["count>", what, "for example"], groups.Select(g => new[] { Units.Count(g.Count()), g.Key, g.First().Name }));
    }

    private static IEnumerable<(string, string)> Facts(QuantizeReport report)
    {
        yield return ("mode", report.Mode switch { QuantizationMode.Static => "static", QuantizationMode.Dynamic => "dynamic", _ => "weights stored in 8 bits, computed with in float" });
        yield return ("size", $"{Units.Bytes(report.BytesBefore)} → {Units.Bytes(report.BytesAfter)}");
        if (report.Latency is { Results: [var before, var after] } latency)
            yield return ("latency", $"{BenchmarkTables.Milliseconds(before.Latency.Median)} → {BenchmarkTables.Milliseconds(after.Latency.Median)}: {BenchmarkTables.Ratio(after.SpeedUp)}, {BenchmarkTables.Threads(latency)}");
        if (report.Output is { } output)
            yield return ("written", output);
    }

    private static string Decibel(double? value) => value is { } known ? double.IsFinite(known) ? known.ToString("0.0") : "∞" : "-";
}
