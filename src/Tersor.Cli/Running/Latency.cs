using Tersor.Cli.Printing;
using Tersor.Pipeline;
using Tersor.Runtime;

namespace Tersor.Cli.Running;

/// <summary>Measures models against each other on the sample the first one ran on.</summary>
internal static class Latency
{
    /// <param name="models">Names and files; ratios are taken against the first.</param>
    /// <param name="first">The first model, which ran in the child.</param>
    /// <param name="options">How to measure.</param>
    /// <param name="terminal">Where progress is shown.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="RuntimeException">A model does not run.</exception>
    public static BenchmarkReport Measure(IReadOnlyList<(string Name, string Path)> models, CheckedModel first, BenchmarkOptions options, Terminal terminal, CancellationToken cancellation)
    {
        using Progress progress = new(terminal);
        return Benchmark.Run([.. models.Select(m => new BenchmarkModel(m.Name, m.Path, first.RanOn!))], options, new Rounds(progress, options.Rounds), cancellation);
    }

    private sealed class Rounds(Progress progress, int total) : IProgress<int>
    {
        public void Report(int value) => progress.Report(new JobProgress("measuring latency", (double)value / total));
    }
}
