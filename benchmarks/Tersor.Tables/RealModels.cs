using Tersor.Compression.GraphOptimization;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Pipeline.Evaluation;
using Tersor.Testing;

namespace Tersor.Tables;

/// <summary>Every real model optimized and quantized with nothing but its data set: size, accuracy or fidelity on test data read once, latency interleaved.</summary>
internal static class RealModels
{
    /// <summary>Half a point of accuracy.</summary>
    private const double MaxDrop = 0.005;

    private const int Rounds = 100;

    public static int Run(string[] arguments, TextWriter output)
    {
        if (SharedFiles.Root is null)
        {
            output.WriteLine(SharedFiles.Reason);
            return 1;
        }
        output.WriteLine(Cells.Head("model", "bytes", "of float", "metric", "float", "optimized", "int8", "SQNR dB", "float ms", "optimized, times", "int8, times", "mode", "seconds"));
        using TemporaryFolder folder = new();
        foreach (string path in SharedFiles.Models.Where(p => arguments.Length == 0 || arguments.Contains(Path.GetFileNameWithoutExtension(p))))
        {
            output.WriteLine(Row(path, folder));
            output.Flush();
        }
        return 0;
    }

    /// <summary>A part of a model's data.</summary>
    public static OpenedData Data(string path, string split)
    {
        string name = Path.GetFileNameWithoutExtension(path);
        bool fashion = name.StartsWith("fmnist", StringComparison.Ordinal);
        // The descriptions of the other models lie under the shared folder; Fashion-MNIST lies where its package puts it.
        return DataSetFactory.Open(Path.Combine(SharedFiles.Repository, "samples", "data", fashion ? "fmnist.yaml" : $"{name}.yaml"), ModelInput.Of(Model.Load(path)), fashion ? null : SharedFiles.Root, split);
    }

    private static string Row(string path, TemporaryFolder folder)
    {
        string name = Path.GetFileNameWithoutExtension(path);
        Model model = Model.Load(path);
        OpenedData calibration = Data(path, "calibration"), test = Data(path, "test");
        OpenedData? validation = calibration.Description.Splits.ContainsKey("validation") ? Data(path, "validation") : null;

        Model rewritten = new GraphOptimizer(new() { Level = OptimizationLevel.Engine, Samples = QuantizedModel.Samples(calibration.DataSet) }).Run(model).Model;
        QuantizedModel quantized = QuantizedModel.Of(model, calibration.DataSet, validation?.DataSet, calibration.Metrics.Count > 0 ? () => calibration.CreateMetrics()[0] : null, new() { Budget = new() { MaxDrop = MaxDrop } });
        string[] files = [path, folder.Save(rewritten, $"{name}.engine"), folder.Save(quantized.Result.Model, $"{name}.int8")];
        Measurement measured = Measurement.Of(files, test.DataSet, calibration.DataSet.Read(0).Steps[0], test.CreateMetrics, Rounds);

        MetricValue metric = measured.Evaluated[0].Values[0];
        return Cells.Row(
        [
            name, $"{measured.Bytes[0]:N0} → {measured.Bytes[2]:N0}", Cells.Share(measured.Bytes[2], measured.Bytes[0]), metric.Metric, .. measured.Evaluated.Select(e => Cells.Number(e.Values[0].Value)),
            Cells.Number(measured.Evaluated[2].Values[^1].Value), $"{measured.Latency.Results[0].Latency.Median:F2}", Cells.SpeedUp(measured.Latency.Results[1]), Cells.SpeedUp(measured.Latency.Results[2]),
            quantized.Result.Mode.ToString(), $"{quantized.Seconds:F1}",
        ]);
    }
}
