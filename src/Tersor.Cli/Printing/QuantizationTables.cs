using Tersor.Pipeline.Judging;
using Tersor.Pipeline.Quantization;
using Tersor.Reporting.Optimization;
using Tersor.Reporting.Quantization;

namespace Tersor.Cli.Printing;

/// <summary><see cref="QuantizeReport"/> for people.</summary>
internal static class QuantizationTables
{
    private const int MostSensitive = 10, MostOutputs = 8, LongestName = 24;

    public static void Print(QuantizeReport report, Printer printer)
    {
        if (report.Sensitivities.Count > 0)
        {
            printer.Heading($"Layers by the error each causes alone (the first {Math.Min(MostSensitive, report.Sensitivities.Count)} of {report.Sensitivities.Count})");
            printer.Table(["layer", "SQNR dB>"], report.Sensitivities.Take(MostSensitive).Select(s => new[] { s.Layer, Decibel(-10 * Math.Log10(s.Noise)) }));
        }
        if (report.Candidates.Count > 0)
        {
            printer.Heading($"Candidates{(IsHeldOut(report) ? ", on held-out samples" : "")}" + (report.FloatMetric is { } value ? $" (float: {report.Metric} {value:0.0000})" : ""));
            string[] metric = report.Metric is { } name ? [$"{name}>"] : [];
            printer.Table(["layers kept float>", .. metric, "cosine>", "SQNR dB>", "worst>", "samples>", "speed-up>", "", "what"], report.Candidates.Select(c => (string[])
            [
                Units.Count(c.FloatLayers), .. metric.Select(_ => c.Metric?.ToString("0.0000") ?? "-"), c.Verdict?.Cosine.ToString("0.0000") ?? "-", Decibel(c.Sqnr), Decibel(c.Verdict?.WorstSqnr),
                c.Verdict is { } verdict ? Units.Count(verdict.Samples) : "-", c.SpeedUp is { } times ? $"{times.Median:0.00}x" : "-", Mark(c), c.Name,
            ]));
        }
        if (report.Evidence.Repairs.Count > 0)
        {
            printer.Heading($"Repairs tried{(IsHeldOut(report) ? ", on held-out samples" : "")}");
            string[] metric = report.Metric is { } name ? [$"{name}>", ">"] : [];
            printer.Table(["repair", "SQNR dB>", ">", .. metric, ""], report.Evidence.Repairs.Select(r => (string[])
                [r.Name, Decibel(r.SqnrBefore), $"→ {Decibel(r.SqnrAfter)}", .. metric.Length == 0 ? Array.Empty<string>() : [r.MetricBefore?.ToString("0.0000") ?? "-", $"→ {r.MetricAfter:0.0000}"], r.Kept ? "kept" : ""]));
        }
        if (report.NoGain is null)
            Subjects("Quantized", "how", report.Quantized.Select(s => s with { What = s.What.Split(" for ")[0] }), printer);
        Subjects("Left float", "reason", report.Float, printer);
        printer.Facts(Facts(report));
    }

    /// <summary>Nodes or weights by what was done to them, the most frequent first.</summary>
    private static void Subjects(string heading, string what, IEnumerable<Subject> subjects, Printer printer)
    {
        var groups = CommonReason.Group(subjects, s => s.What);
        if (groups.Count == 0)
            return;
        printer.Heading(heading);
        printer.Table(["count>", what, "for example"], groups.Select(g => new[] { Units.Count(g.Items.Count), g.Reason, g.Items[0].Name }));
    }

    private static IEnumerable<(string, string)> Facts(QuantizeReport report)
    {
        if (report.NoGain is not null)
        {
            yield return ("written", $"{WrittenFiles.Of(report.Output)}, the input model as it is");
            yield break;
        }
        yield return ("mode", report.Mode switch { QuantizationMode.Static => "static", QuantizationMode.Dynamic => "dynamic", _ => "weights stored in 8 bits, computed with in float" });
        if (report.Verdict is { } verdict)
        {
            if (verdict.Metric is { } metric)
                yield return (report.Metric!, $"{metric.Original:0.0000} → {metric.Value:0.0000} on {Judged(verdict)}; {Loss(metric.Drop, report.HigherIsBetter)}, a loss of {report.Budget?.MaxDrop:0.####} is allowed");
            foreach (OutputCloseness output in verdict.Outputs.Take(MostOutputs))
            {
                string numbers = output.IsNumeric ? $"cosine {output.Cosine.Value:0.0000} ({output.WorstCosine:0.0000} at worst), {Decibel(output.Sqnr.Value)} dB ({Decibel(output.WorstSqnr)} at worst)" : "";
                string agreement = output.Agreement is { } same ? $"{(output.IsNumeric ? "same best class" : "same answer")} {Range(same, "0.000")}" : "";
                yield return (Shown(output.Output), $"{string.Join(", ", new[] { numbers, agreement }.Where(t => t.Length > 0))}, on {(verdict.Metric is null ? Judged(verdict) : Units.Count(verdict.Samples, "sample"))}");
            }
            if (verdict.Outputs.Count > MostOutputs)
                yield return ("outputs", $"{verdict.Outputs.Count - MostOutputs} more (--json lists them)");
        }
        yield return ("size", Units.Change(report.BytesBefore, report.BytesAfter));
        if (report.Latency is { Results: [var before, var after] } latency)
            yield return ("latency", $"{BenchmarkTables.Milliseconds(before.Latency.Median)} → {BenchmarkTables.Milliseconds(after.Latency.Median)}: {BenchmarkTables.Ratio(after.SpeedUp)}, {BenchmarkTables.Threads(latency)}");
        yield return ("written", WrittenFiles.Of(report.Output));
    }

    private static bool IsHeldOut(QuantizeReport report) => report.Verdict?.IsHeldOut ?? true;

    /// <summary>What a result was judged on.</summary>
    private static string Judged(Verdict verdict) => verdict.IsHeldOut ? Units.Count(verdict.Samples, "held-out sample") : $"{Units.Count(verdict.Samples, "sample")}, from some of which ranges were learned";

    /// <summary>What became of a candidate.</summary>
    private static string Mark(QuantizationCandidate candidate) => candidate.Chosen ? "chosen" : candidate.Verdict?.Fit switch { Fit.Beyond => "beyond the limit", Fit.Doubtful => "doubtful", _ => "" };

    private static string Loss(Interval drop, bool higherIsBetter) => drop.Value > 0 ? $"{(higherIsBetter ? "falls" : "rises")} by {Range(drop, "0.0000")}"
        : drop.Value < 0 ? $"{(higherIsBetter ? "rises" : "falls")} by {Range(new(-drop.Value, -drop.High, -drop.Low), "0.0000")}" : $"changes by {Range(drop with { Value = 0 }, "0.0000")}";

    private static string Range(Interval interval, string format) => double.IsFinite(interval.HalfWidth)
        ? $"{interval.Value.ToString(format)} ({interval.Low.ToString(format)} to {interval.High.ToString(format)})" : $"{interval.Value.ToString(format)} (too few samples for an interval)";

    private static string Shown(string name) => name.Length <= LongestName ? name : name[..(LongestName - 1)] + "…";

    private static string Decibel(double? value) => value is { } known ? double.IsFinite(known) ? known.ToString("0.0") : known > 0 ? "∞" : "-∞" : "-";
}
