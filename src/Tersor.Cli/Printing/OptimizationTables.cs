using Tersor.Reporting.Optimization;

namespace Tersor.Cli.Printing;

/// <summary><see cref="OptimizeReport"/> for people.</summary>
internal static class OptimizationTables
{
    private const int MostReasons = 10;

    public static void Print(OptimizeReport report, Printer printer)
    {
        printer.Table(["pass", "changes>", "left alone>", "note"], report.Passes.Select(p => new[]
        {
            p.Pass, Units.Count(p.Changes.Count), Units.Count(p.Skipped.Count), p.RolledBack is { } reason ? $"undone: {reason}" : "",
        }));
        if (report.Operators.Count > 0)
            printer.Table(["operator", "before>", "after>"], report.Operators.Select(o => new[] { o.Operator, Units.Count(o.Before), Units.Count(o.After) }));
        var alone = CommonReason.Group(report.Passes.SelectMany(p => p.Skipped.Select(s => (p.Pass, Subject: s))), s => $"{s.Pass}: {s.Subject.What}");
        if (alone.Count > 0)
        {
            printer.Heading($"Left alone{(alone.Count > MostReasons ? $", the {MostReasons} most frequent reasons of {alone.Count} (--json lists all)" : "")}");
            printer.Table(["count>", "reason", "for example"], alone.Take(MostReasons).Select(g => new[] { Units.Count(g.Items.Count), g.Reason, g.Items[0].Subject.Name }));
        }
        printer.Facts(Facts(report));
    }

    private static IEnumerable<(string, string)> Facts(OptimizeReport report)
    {
        yield return ("nodes", $"{Units.Count(report.NodesBefore)} → {Units.Count(report.NodesAfter)}");
        yield return ("size", Units.Change(report.BytesBefore, report.BytesAfter));
        yield return ("outputs", report.NotVerified is { } reason ? $"not verified: {reason}" : Difference(report));
        if (report.RandomNodes is { Count: > 0 } random)
            yield return ("random", $"{string.Join(", ", random.Take(3))}{(random.Count > 3 ? $" and {random.Count - 3} more" : "")} {(random.Count == 1 ? "draws" : "draw")} random numbers; the outputs were compared with the same numbers drawn");
        yield return ("written", report.NoGain is null ? WrittenFiles.Of(report.Output) : $"{WrittenFiles.Of(report.Output)}, the input model as it is");
    }

    private static string Difference(OptimizeReport report)
    {
        string samples = $"on {Plural.Of(report.VerifiedSamples, "sample")}";
        string atDefaults = report.DifferenceAtDefaults is > 0 and var difference ? $"; {Share(difference)} at the engine's default settings" : "";
        return report.BitEqual == true ? $"equal bit for bit {samples}{atDefaults}" : $"differ by at most {Share(report.Difference ?? 0)} of the largest output {samples}{atDefaults}";
    }

    private static string Share(double value) => value.ToString("0.0e0");
}
