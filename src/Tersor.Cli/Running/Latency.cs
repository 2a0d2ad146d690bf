using Tersor.Cli.Printing;
using Tersor.Onnx;
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
    /// <exception cref="RuntimeException">A model does not run, or takes something else than tensors.</exception>
    public static BenchmarkReport Measure(IReadOnlyList<(string Name, string Path)> models, CheckedModel first, BenchmarkOptions options, Terminal terminal, CancellationToken cancellation)
    {
        Dictionary<string, Tensor> inputs = first.RanOn!.ToDictionary(pair => pair.Key, pair => pair.Value is RuntimeValue.Dense dense ? dense.Tensor
            : throw new RuntimeException($"Latency can be measured for tensors only; input '{pair.Key}' of {first.Path} is none."));
        using Progress progress = new(terminal);
        return Benchmark.Run([.. models.Select(m => new BenchmarkModel(m.Name, m.Path, inputs))], options, new Rounds(progress, options.Rounds), cancellation);
    }

    private sealed class Rounds(Progress progress, int total) : IProgress<int>
    {
        public void Report(int value) => progress.Report(new JobProgress("measuring latency", (double)value / total));
    }
}
