using Tersor.Runtime;

namespace Tersor.Cli.Printing;

/// <summary><see cref="BenchmarkReport"/> for people.</summary>
internal static class BenchmarkTables
{
    public static void Print(BenchmarkReport report, Printer printer)
    {
        printer.Table(["model", "median>", "95 % interval>", "p95>", "per second>", "speed-up>", "95 % interval>", "load>", "peak memory>"], report.Results.Select((r, i) => new[]
        {
            r.Name, Milliseconds(r.Latency.Median), Interval(r.Latency, "0.000"), Milliseconds(r.P95), Units.Count((long)Math.Round(r.Throughput)),
            SpeedUp(r, i), i == 0 ? "-" : Interval(r.SpeedUp, "0.00"), Milliseconds(r.LoadTime), r.PeakMemoryBytes is { } bytes ? Units.Bytes(Math.Max(0, bytes)) : "-",
        }));
        printer.Line(Machine(report));
    }

    /// <summary>Where and how it was measured.</summary>
    public static string Machine(BenchmarkReport report) =>
        $"{report.Machine.Cpu}, {Plural.Of(report.Machine.Cores, "logical processor")}, {string.Join(", ", report.Machine.Features)}; ONNX Runtime {report.Machine.Engine}; {Threads(report)}, {Plural.Of(report.Rounds, "round")}";

    /// <summary>How many threads the engine had.</summary>
    public static string Threads(BenchmarkReport report) => report.Threads == 0 ? "threads as the engine chooses" : Plural.Of(report.Threads, "thread");

    /// <summary>A latency.</summary>
    public static string Milliseconds(double value) => value < 10 ? $"{value:0.000} ms" : value < 100 ? $"{value:0.0} ms" : $"{value:0} ms";

    /// <summary>How many times faster than the first model, which is the measure.</summary>
    public static string SpeedUp(BenchmarkResult result, int index) => index == 0 ? "1.00x" : $"{result.SpeedUp.Median:0.00}x";

    /// <summary>An interval; a dash where there were too few rounds for one.</summary>
    public static string Interval(MedianInterval interval, string format) =>
        double.IsNaN(interval.Low) ? "-" : $"{interval.Low.ToString(format)}..{interval.High.ToString(format)}";

    /// <summary>A ratio of latencies with its interval.</summary>
    public static string Ratio(MedianInterval ratio) => double.IsNaN(ratio.Low) ? $"{ratio.Median:0.00}x" : $"{ratio.Median:0.00}x ({ratio.Low:0.00}..{ratio.High:0.00})";
}
