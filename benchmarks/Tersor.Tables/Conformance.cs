using System.Diagnostics;
using Tersor.Compression;
using Tersor.Onnx;
using Tersor.Runtime;
using Tersor.Testing;

namespace Tersor.Tables;

/// <summary>Reads, writes, runs and optimizes every model of the shared folder, and prints what happened.</summary>
internal static class Conformance
{
    /// <summary>Runs all of it.</summary>
    /// <param name="arguments"><c>--of n --part k</c>: only every n-th model, starting with the k-th.</param>
    /// <param name="output">Where the tables go.</param>
    /// <returns>0 when every model came out as it should.</returns>
    public static int Run(string[] arguments, TextWriter output)
    {
        if (SharedFiles.Root is null)
        {
            output.WriteLine(SharedFiles.Reason);
            return 1;
        }
        int of = Option(arguments, "--of", 1), part = Option(arguments, "--part", 0);
        Stopwatch watch = Stopwatch.StartNew();
        using ModelGuard guard = new();
        ModelCheck check = new(new GuardedRunner(guard));
        List<ModelOutcome> outcomes = [];
        foreach (string path in SharedFiles.BackendTests.Select(d => Path.Combine(d, "model.onnx")).Where((_, i) => i % of == part))
            outcomes.Add(check.Of(path, Group(path), Model.Load(path)));
        foreach (string path in SharedFiles.LightModels.Where((_, i) => i % of == part))
        {
            outcomes.Add(check.Of(path, "light, as stored", Model.Load(path)));
            Model model = Model.Load(path);
            RandomWeights.Fill(model, seed: 1);
            outcomes.Add(check.Of(path, "light, random weights", model));
        }
        foreach (string path in SharedFiles.Models.Where((_, i) => i % of == part))
            outcomes.Add(check.Of(path, "models", Model.Load(path)));
        Print(outcomes, output);
        output.WriteLine($"{watch.Elapsed.TotalSeconds:0} s");
        return outcomes.Any(o => o.Problems.Count > 0) ? 1 : 0;
    }

    private static string Group(string path) => Path.GetFileName(Path.GetDirectoryName(Path.GetDirectoryName(path)!)!);

    private static int Option(string[] arguments, string name, int fallback) =>
        Array.IndexOf(arguments, name) is >= 0 and int i && i + 1 < arguments.Length ? int.Parse(arguments[i + 1]) : fallback;

    private static void Print(List<ModelOutcome> outcomes, TextWriter output)
    {
        output.WriteLine($"{"group",-24}{"models",8}{"written",9}{"run",6}{"equal",7}{"optimized",11}{"equal",7}{"of bits",9}{"nodes",8}{"->",8}");
        foreach (IGrouping<string, ModelOutcome> group in outcomes.GroupBy(o => o.Group))
        {
            output.WriteLine($"{group.Key,-24}{group.Count(),8}{group.Count(o => o.RoundTrips),9}{group.Count(o => o.Runs),6}{group.Count(o => o.WrittenEqual),7}"
                + $"{group.Count(o => o.Changed),11}{group.Count(o => o.OptimizedEqual),7}{group.Count(o => o.BitEqual),9}{group.Sum(o => o.NodesBefore),8}{group.Sum(o => o.NodesAfter),8}");
        }
        output.WriteLine();
        output.WriteLine($"{"model",-40}{"nodes",7}{"->",7}{"kB",9}{"->",9}{"difference",13}  left: Identity, Dropout, BatchNormalization");
        foreach (ModelOutcome o in outcomes.Where(o => !o.IsBackendTest))
            output.WriteLine($"{Path.GetFileNameWithoutExtension(o.Path) + (o.Group.Contains("random") ? " (random)" : ""),-40}{o.NodesBefore,7}{o.NodesAfter,7}{o.BytesBefore / 1000,9}{o.BytesAfter / 1000,9}{o.Difference?.Relative,13:0.0e0}  {o.Left}");
        output.WriteLine();
        output.WriteLine("Not run by ONNX Runtime:");
        foreach (IGrouping<string, ModelOutcome> reason in outcomes.Where(o => !o.Runs).GroupBy(o => o.Reason ?? "").OrderByDescending(g => g.Count()))
            output.WriteLine($"  {reason.Count(),4} x {reason.Key}: {string.Join(", ", reason.Take(6).Select(o => o.Name))}{(reason.Count() > 6 ? " ..." : "")}");
        output.WriteLine();
        output.WriteLine("Steps rolled back:");
        foreach ((ModelOutcome o, string step) in outcomes.SelectMany(o => o.RolledBack.Select(r => (o, r))))
            output.WriteLine($"  {o.Name}: {step}");
        output.WriteLine();
        output.WriteLine("Problems:");
        foreach ((ModelOutcome o, string problem) in outcomes.SelectMany(o => o.Problems.Select(p => (o, p))))
            output.WriteLine($"  {o.Group}/{o.Name}: {problem}");
    }
}
