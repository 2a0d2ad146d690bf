using System.Diagnostics;
using System.Globalization;
using Tersor.Compression;
using Tersor.Compression.GraphOptimization;
using Tersor.Compression.Quantization.Repair;
using Tersor.Data;
using Tersor.Data.Metrics;
using Tersor.Onnx;
using Tersor.Pipeline.Quantization;
using Tersor.Runtime;
using Tersor.Testing;

namespace Tersor.Tables;

/// <summary>What each repair is worth: a model whose weights are quantized with one scale a tensor, repaired step by step, its metric on test data after each.</summary>
internal static class Repairs
{
    public static int Run(string[] arguments, TextWriter output)
    {
        if (SharedFiles.Root is null)
        {
            output.WriteLine(SharedFiles.Reason);
            return 1;
        }
        string name = arguments is [var given, ..] ? given : "ocr_rec";
        string description = Path.Combine(SharedFiles.Repository, "samples", "data", $"{name}.yaml");
        Model model = Model.Load(SharedFiles.Models.Single(p => Path.GetFileNameWithoutExtension(p) == name));
        OpenedData calibration = DataSetFactory.Open(description, ModelInput.Of(model), SharedFiles.Root, "calibration"), test = DataSetFactory.Open(description, ModelInput.Of(model), SharedFiles.Root, "test");
        IReadOnlyDictionary<string, Tensor> input = calibration.DataSet.Read(0).Steps[0];
        Model optimized = new GraphOptimizer(new() { Samples = [input.ToDictionary(i => i.Key, i => (RuntimeValue)new RuntimeValue.Dense(i.Value))] }).Run(model).Model;
        IDataSet samples = calibration.DataSet.Take(100, 1);

        output.WriteLine("| step | weights in 8 bits | weights and activations | seconds |");
        output.WriteLine("|---|---|---|---|");
        Row("float", m => m);
        AdaptiveRoundingOptions nearest = new() { PerTensor = true, ClipWeights = false, Round = false, CorrectBias = false };
        Row("per-tensor, nearest", m => Rounded(m, nearest));
        Row("+ equalization", m => Rounded(Equalized(m), nearest));
        Row("+ migration", m => Rounded(Migrated(Equalized(m), samples), nearest));
        Row("+ bias correction", m => Rounded(Migrated(Equalized(m), samples), nearest with { CorrectBias = true }));
        Row("+ adaptive rounding", m => Rounded(Migrated(Equalized(m), samples), nearest with { CorrectBias = true, Round = true }));
        Row("+ clipping", m => Rounded(Migrated(Equalized(m), samples), new() { PerTensor = true }));
        Row("rounding + clipping + bias without equalization", m => Rounded(m, new() { PerTensor = true }));
        Row("+ error of earlier weights, 6 steps", m => Rounded(Migrated(Equalized(m), samples), new() { PerTensor = true, Steps = 6, Quantize = (q, _) => q }));
        return 0;

        void Row(string step, Func<Model, Model> repair)
        {
            long start = Stopwatch.GetTimestamp();
            Model repaired = repair(optimized.Clone());
            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            QuantizeResult full = new QuantizeJob(new() { SensitivitySamples = 0, RequireSpeed = false, StoreWeights = false }).Run(repaired, samples, samples.Take(2), null);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {step} | {Metric(repaired):F4} | {Metric(step == "float" ? optimized : full.Model):F4} | {seconds:F1} |"));
            output.Flush();
        }

        Model Rounded(Model m, AdaptiveRoundingOptions options)
        {
            AdaptiveRoundingResult result = AdaptiveRounding.Run(m, samples, options);
            if (arguments.Contains("--layers"))
            {
                foreach (PassChange change in result.Report.Changes)
                    output.WriteLine($"  {change.Subject}: {change.What}");
                foreach (PassSkip skip in result.Report.Skipped)
                    output.WriteLine($"  {skip.Subject}: left, {skip.Reason}");
            }
            return m;
        }

        double Metric(Model m)
        {
            IMetric metric = test.CreateMetrics()[0];
            using ModelSession session = new(m, new() { Threads = 1 });
            SampleRunner runner = new(session, test.DataSet.Feedback);
            foreach (Sample sample in test.DataSet.Samples())
                metric.Add(new(sample, runner.Run(sample, null, CancellationToken.None), null));
            return metric.Value;
        }
    }

    private static Model Equalized(Model model)
    {
        new EqualizeLayersPass(new()).Run(model, PassContext.None);
        return model;
    }

    private static Model Migrated(Model model, IDataSet samples)
    {
        MigrateActivationScalesOptions options = new() { Convolutions = true, WidenScalars = true };
        ChannelMaximumObserver observer = new(MigrateActivationScalesPass.Activations(model, options));
        Observer.Observe(model, samples, [observer]);
        new MigrateActivationScalesPass(options, v => observer.Maxima.TryGetValue(v, out float[]? maxima) ? Array.ConvertAll(maxima, m => (double)m) : null).Run(model, PassContext.None);
        return model;
    }
}
