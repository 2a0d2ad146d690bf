using Tersor.Data;
using Tersor.Data.Metrics;
using Tersor.Onnx;
using Tersor.Pipeline.Evaluation;
using Tersor.Runtime;

namespace Tersor.Tables;

/// <summary>Model files measured beside each other.</summary>
/// <param name="Bytes">Their sizes.</param>
/// <param name="Evaluated">Their figures on test data read once; the last one of each is the signal to noise against the first file.</param>
/// <param name="Latency">Their latencies, interleaved, on one thread.</param>
internal sealed record Measurement(IReadOnlyList<long> Bytes, IReadOnlyList<EvaluatedModel> Evaluated, BenchmarkReport Latency)
{
    /// <param name="files">The float model as given first.</param>
    /// <param name="test">What no search saw.</param>
    /// <param name="input">What latency is measured on.</param>
    /// <param name="metrics">Makes further metrics for each file.</param>
    /// <param name="rounds">Rounds of the latency measurement.</param>
    public static Measurement Of(IReadOnlyList<string> files, IDataSet test, IReadOnlyDictionary<string, Tensor> input, Func<IReadOnlyList<IMetric>> metrics, int rounds)
    {
        MetricDescription sqnr = new("sqnr", new Dictionary<string, string>());
        IReadOnlyList<EvaluatedModel> evaluated = EvaluateJob.Run([.. files], files[0], test, () => [.. metrics(), MetricCatalog.Create(sqnr, ".")], new());
        BenchmarkReport latency = Benchmark.Run([.. files.Select(f => new BenchmarkModel(f, f, RuntimeValue.All(input)))], new() { Rounds = rounds, MeasureMemory = false });
        return new([.. files.Select(f => new FileInfo(f).Length)], evaluated, latency);
    }

    /// <summary>Signal to noise of a changed model's outputs, dB.</summary>
    public static double Sqnr(Model model, Model changed, IDataSet data)
    {
        using TemporaryFolder folder = new();
        string[] files = [folder.Save(model, "float"), folder.Save(changed, "changed")];
        return EvaluateJob.Run([files[1]], files[0], data, () => [MetricCatalog.Create(new("sqnr", new Dictionary<string, string>()), ".")], new())[0].Values[0].Value;
    }
}
