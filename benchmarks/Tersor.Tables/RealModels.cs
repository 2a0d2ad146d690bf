using System.Diagnostics;
using System.Globalization;
using Tersor.Compression.GraphOptimization;
using Tersor.Data;
using Tersor.Data.Metrics;
using Tersor.Onnx;
using Tersor.Pipeline.Evaluation;
using Tersor.Pipeline.Quantization;
using Tersor.Runtime;
using Tersor.Testing;

namespace Tersor.Tables;

/// <summary>Every real model optimized and quantized with nothing but its data set: size, accuracy or fidelity on test data read once, latency interleaved.</summary>
internal static class RealModels
{
    public static int Run(string[] arguments, TextWriter output)
    {
        if (SharedFiles.Root is null)
        {
            output.WriteLine(SharedFiles.Reason);
            return 1;
        }
        output.WriteLine("| model | bytes | of float | metric | float | optimized | int8 | SQNR dB | float ms | optimized, times | int8, times | mode | seconds |");
        output.WriteLine("|---|---|---|---|---|---|---|---|---|---|---|---|---|");
        DirectoryInfo folder = Directory.CreateTempSubdirectory("tersor-tables-");
        try
        {
            foreach (string path in SharedFiles.Models.Where(p => arguments.Length == 0 || arguments.Contains(Path.GetFileNameWithoutExtension(p))))
            {
                output.WriteLine(Row(path, folder.FullName));
                output.Flush();
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
        return 0;
    }

    private static string Row(string path, string folder)
    {
        string name = Path.GetFileNameWithoutExtension(path);
        string description = Path.Combine(SharedFiles.Repository, "samples", "data", name.StartsWith("fmnist", StringComparison.Ordinal) ? "fmnist.yaml" : $"{name}.yaml");
        // The descriptions of the other models lie under the shared folder; Fashion-MNIST lies where its package puts it.
        string? root = name.StartsWith("fmnist", StringComparison.Ordinal) ? null : SharedFiles.Root;
        Model model = Model.Load(path);
        OpenedData calibration = DataSetFactory.Open(description, ModelInput.Of(model), root, "calibration"), test = DataSetFactory.Open(description, ModelInput.Of(model), root, "test");
        OpenedData? validation = calibration.Description.Splits.ContainsKey("validation") ? DataSetFactory.Open(description, ModelInput.Of(model), root, "validation") : null;
        IReadOnlyDictionary<string, Tensor> input = calibration.DataSet.Read(0).Steps[0];

        long start = Stopwatch.GetTimestamp();
        Model optimized = new GraphOptimizer(new() { Samples = [input.ToDictionary(i => i.Key, i => (RuntimeValue)new RuntimeValue.Dense(i.Value))] }).Run(model).Model;
        QuantizeResult result = new QuantizeJob(new()).Run(optimized, calibration.DataSet, validation?.DataSet, calibration.Metrics.Count > 0 ? () => calibration.CreateMetrics()[0] : null);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;

        string[] files = [path, Path.Combine(folder, $"{name}.optimized.onnx"), Path.Combine(folder, $"{name}.int8.onnx")];
        optimized.Save(files[1]);
        result.Model.Save(files[2]);
        MetricDescription sqnr = new("sqnr", new Dictionary<string, string>());
        IReadOnlyList<EvaluatedModel> evaluated = EvaluateJob.Run(files, path, test.DataSet, () => [.. test.CreateMetrics(), MetricCatalog.Create(sqnr, ".")], new());
        BenchmarkReport latency = Benchmark.Run([.. files.Select(f => new BenchmarkModel(f, f, input))], new() { Rounds = 100, MeasureMemory = false });

        long before = new FileInfo(path).Length, after = new FileInfo(files[2]).Length;
        MetricValue metric = evaluated[0].Values[0];
        string[] cells =
        [
            name, $"{before:N0} → {after:N0}", $"{(double)after / before:F2}", metric.Metric, .. evaluated.Select(e => Number(e.Values[0].Value)),
            Number(evaluated[2].Values[^1].Value), $"{latency.Results[0].Latency.Median:F2}", Ratio(latency.Results[1]), Ratio(latency.Results[2]),
            result.Mode.ToString(), $"{seconds:F1}",
        ];
        return $"| {string.Join(" | ", cells)} |";
    }

    private static string Number(double value) => double.IsPositiveInfinity(value) ? "equal" : value.ToString("F4", CultureInfo.InvariantCulture);

    private static string Ratio(BenchmarkResult result) => $"{result.SpeedUp.Median:F2} ({result.SpeedUp.Low:F2}–{result.SpeedUp.High:F2})";
}
