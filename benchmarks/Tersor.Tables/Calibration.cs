using System.Diagnostics;
using Tersor.Compression.GraphOptimization;
using Tersor.Compression.Quantization.Placement;
using Tersor.Compression.Quantization.Ranges;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Runtime;
using Tersor.Testing;

namespace Tersor.Tables;

/// <summary>What learning ranges costs: one run over the calibration set of the model rewritten for the engine with everything that can be quantized observed, then ranges by every estimator.</summary>
internal static class Calibration
{
    public static int Run(string[] arguments, TextWriter output)
    {
        if (SharedFiles.Root is null)
        {
            output.WriteLine(SharedFiles.Reason);
            return 1;
        }
        string name = arguments is [var given, ..] ? given : "ocr_rec";
        Model model = Model.Load(SharedFiles.Models.Single(p => Path.GetFileNameWithoutExtension(p) == name));
        IDataSet samples = DataSetFactory.Open(Path.Combine(SharedFiles.Repository, "samples", "data", $"{name}.yaml"), ModelInput.Of(model), SharedFiles.Root, "calibration").DataSet.Take(100, 1);
        model = new GraphOptimizer(new() { Level = OptimizationLevel.Engine, Samples = [samples.Read(0).Steps[0].ToDictionary(i => i.Key, i => (RuntimeValue)new RuntimeValue.Dense(i.Value))] }).Run(model).Model; // as quantization does first
        SeenShapesObserver shapes = new(model.Graph.Inputs.Where(v => !v.IsInitializer).Concat(model.Graph.Nodes.SelectMany(n => n.Outputs).OfType<Value>()));
        Observer.Observe(model, samples.Take(1), [shapes]);
        QuantizationPlacement everything = new Placer(EngineRules.For(TargetMachines.Here), v => shapes.Seen.TryGetValue(v, out SeenShapes? seen) ? new OnnxType.Tensor(seen.ElementType, [.. seen.Shapes[0].Select(d => (Dimension)d)]) : v.Type).Everything(model, _ => null);

        TimeSpan start = Environment.CpuUsage.TotalTime;
        HistogramObserver histograms = new(everything.Activations());
        SampleRangeObserver ranges = new(everything.Activations());
        ObservationReport report = Observer.Observe(model, samples, [histograms, ranges]);
        TimeSpan observed = Environment.CpuUsage.TotalTime - start;
        output.WriteLine(Cells.Head("step", "CPU seconds"));
        output.WriteLine(Cells.Row($"observing {samples.Count} samples, {histograms.Values.Count} activations, {report.Runs} run(s) over the data", $"{observed.TotalSeconds:F1}"));
        foreach (RangeEstimator estimator in RangeCandidates.Estimators)
        {
            TimeSpan before = Environment.CpuUsage.TotalTime;
            foreach (Value value in everything.Activations().Where(v => histograms.Histograms[v].Count > 0))
                estimator.Estimate(new(histograms.Histograms[value], ranges.Averages[value]));
            output.WriteLine(Cells.Row(estimator.ToString(), $"{(Environment.CpuUsage.TotalTime - before).TotalSeconds:F2}"));
        }
        using Process process = Process.GetCurrentProcess();
        output.WriteLine(Cells.Row("peak memory of the process, MB", $"{process.PeakWorkingSet64 / 1e6:F0}"));
        return 0;
    }
}
