using Tersor.Pipeline.Quantization;
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
            printer.Table(["layers kept float>", $"{report.Metric ?? "metric"}>", "SQNR dB>", ""], report.Candidates.Select(c => new[]
            {
                Units.Count(c.FloatLayers), c.Metric?.ToString("0.0000") ?? "-", Decibel(c.Sqnr), c.Chosen ? "chosen" : "",
            }));
        }
        if (report.Float.Count > 0)
        {
            printer.Heading("Left float");
            printer.Table(["nodes>", "reason", "for example"], report.Float.GroupBy(s => s.What).OrderByDescending(g => g.Count()).ThenBy(g => g.Key, StringComparer.Ordinal)
                .Select(g => new[] { Units.Count(g.Count()), g.Key, g.First().Name }));
        }
        printer.Facts(Facts(report));
    }

    private static IEnumerable<(string, string)> Facts(QuantizeReport report)
    {
        yield return ("mode", report.Mode switch { QuantizationMode.Static => "static", QuantizationMode.Dynamic => "dynamic", _ => "weights stored in 8 bits, computed with in float" });
        yield return ("quantized", $"{Units.Count(report.Quantized.Count)} {(report.Quantized.Count == 1 ? "change" : "changes")}");
        yield return ("size", $"{Units.Bytes(report.BytesBefore)} → {Units.Bytes(report.BytesAfter)}");
        if (report.Latency is { Results: [var before, var after] } latency)
            yield return ("latency", $"{BenchmarkTables.Milliseconds(before.Latency.Median)} → {BenchmarkTables.Milliseconds(after.Latency.Median)}: {BenchmarkTables.Ratio(after.SpeedUp)}, {BenchmarkTables.Threads(latency)}");
        if (report.Output is { } output)
            yield return ("written", output);
    }

    private static string Decibel(double? value) => value is { } known ? double.IsFinite(known) ? known.ToString("0.0") : "∞" : "-";
}
