using System.Text.Json;
using Tersor.Onnx;
using Tersor.Onnx.Files;

namespace Tersor.Runtime;

/// <summary>One node as the engine ran it.</summary>
/// <param name="Name">Its name in the engine's rewritten model.</param>
/// <param name="OpType">Its operator there; may be one of the engine's own.</param>
/// <param name="Microseconds">Time of a run: mean of the middle half of the runs, since the engine's clock has whole microseconds.</param>
/// <param name="Share">Its share of the sum over all nodes, 0..1.</param>
/// <param name="InputShapes">Types and shapes of its inputs in the last run, as the engine prints them.</param>
/// <param name="OutputShapes">Those of its outputs.</param>
/// <param name="Sources">The nodes of the model as given that it stands for, as far as names allow; several where the engine fused them, none for nodes it added.</param>
/// <param name="Cost">MACs, parameters and bytes of the sources, where a provider was given.</param>
public sealed record NodeProfile(string Name, string OpType, double Microseconds, double Share, string InputShapes, string OutputShapes, IReadOnlyList<Node> Sources, ProfiledCost? Cost);

/// <summary>What a node costs on paper.</summary>
/// <param name="Macs">Multiply-accumulates.</param>
/// <param name="Parameters">Weights and biases.</param>
/// <param name="BytesMoved">Bytes read and written.</param>
public sealed record ProfiledCost(long Macs, long Parameters, long BytesMoved);

/// <summary>Times of all nodes of a model.</summary>
/// <param name="Runs">Runs measured, warm-up not included.</param>
/// <param name="ModelMedian">Median time of a whole run in microseconds, as the engine measures it.</param>
/// <param name="Nodes">The nodes, slowest first.</param>
public sealed record ModelProfile(int Runs, double ModelMedian, IReadOnlyList<NodeProfile> Nodes);

/// <summary>Measures the time of each node with the engine's own profiler.</summary>
public static class Profiler
{
    /// <param name="model">Not modified.</param>
    /// <param name="inputs">What it is fed.</param>
    /// <param name="runs">Runs to measure.</param>
    /// <param name="settings">How the engine loads and runs it.</param>
    /// <param name="cost">The cost of a node on paper, or null where unknown.</param>
    /// <param name="cancellation">Looked at before every run.</param>
    /// <exception cref="RuntimeException">The engine cannot load or run it, or its profile cannot be read.</exception>
    public static ModelProfile Profile(Model model, IReadOnlyDictionary<string, Tensor> inputs, int runs = 20, SessionSettings? settings = null, Func<Node, ProfiledCost?>? cost = null, CancellationToken cancellation = default)
    {
        const int WarmUp = 3;
        ArgumentOutOfRangeException.ThrowIfLessThan(runs, 1);
        using ScratchFolder folder = new();
        try
        {
            string optimized = folder.At("optimized.onnx");
            string json;
            using (ModelSession session = new(model, (settings ?? new()) with { ProfilePrefix = folder.At("profile"), OptimizedModelPath = optimized }))
            {
                for (int i = 0; i < WarmUp + runs; i++)
                {
                    cancellation.ThrowIfCancellationRequested();
                    session.Run(inputs);
                }
                json = File.ReadAllText(session.Engine.EndProfiling());
            }
            FusedNodes fused = new(model, Model.Load(optimized, new() { SkipExternalData = true }));
            List<ProfileEvent> events = ProfileEvent.Parse(json);
            double[] whole = [.. events.Where(e => e.Kind == "Session" && e.Name == "model_run").Select(e => e.Microseconds).Skip(WarmUp)];
            var groups = events.Where(e => e.Kind == "Node" && e.Name.EndsWith("_kernel_time", StringComparison.Ordinal))
                .GroupBy(e => (Name: e.Name[..^"_kernel_time".Length], e.OpType)).Select(g => (g.Key, Time: TimeOfRun([.. g], WarmUp, runs), Last: g.Last())).ToArray();
            double sum = groups.Sum(g => g.Time);
            return new(runs, whole.Length > 0 ? OrderStatistics.Percentile([.. whole.Order()], 0.5) : sum, [.. groups.OrderByDescending(g => g.Time).Select(g =>
            {
                IReadOnlyList<Node> sources = fused.Sources(g.Key.Name, g.Key.OpType);
                ProfiledCost[] costs = [.. sources.Select(n => cost?.Invoke(n)).OfType<ProfiledCost>()];
                return new NodeProfile(g.Key.Name, g.Key.OpType, g.Time, sum > 0 ? g.Time / sum : 0, g.Last.InputShapes, g.Last.OutputShapes, sources,
                    costs.Length == 0 ? null : new(costs.Sum(c => c.Macs), costs.Sum(c => c.Parameters), costs.Sum(c => c.BytesMoved)));
            })]);
        }
        catch (Exception e) when (e is JsonException or OnnxException)
        {
            throw new RuntimeException($"ONNX Runtime's profile cannot be read: {e.Message}", e);
        }
    }

    /// <summary>A node inside a loop has several events a run: they are summed.</summary>
    private static double TimeOfRun(ProfileEvent[] events, int warmUp, int runs)
    {
        int perRun = Math.Max(1, events.Length / (warmUp + runs));
        double[] sums = [.. events.Chunk(perRun).Skip(events.Length >= warmUp + runs ? warmUp : 0).Select(c => c.Sum(e => e.Microseconds)).Order()];
        return sums.Length < 4 ? OrderStatistics.Percentile(sums, 0.5) : sums[(sums.Length / 4)..^(sums.Length / 4)].Average();
    }
}
