using System.Diagnostics;
using System.Globalization;
using Tersor.Compression;
using Tersor.Compression.GraphOptimization;
using Tersor.Compression.Quantization;
using Tersor.Compression.Quantization.Ranges;
using Tersor.Compression.Quantization.Repair;
using Tersor.Data;
using Tersor.Data.Metrics;
using Tersor.Onnx;
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

        output.WriteLine("| step | weights in 8 bits | weights and activations in 8 bits | seconds |");
        output.WriteLine("|---|---|---|---|");
        Row("float", m => m);
        AdaptiveRoundingOptions nearest = new() { PerTensor = true, ClipWeights = false, Round = false, CorrectBias = false };
        Row("one scale a tensor, rounded to nearest", m => Rounded(m, nearest));
        Row("+ equalization", m => Rounded(Equalized(m, samples), nearest));
        Row("+ bias correction", m => Rounded(Equalized(m, samples), nearest with { CorrectBias = true }));
        Row("+ adaptive rounding", m => Rounded(Equalized(m, samples), nearest with { CorrectBias = true, Round = true }));
        return 0;

        void Row(string step, Func<Model, Model> repair)
        {
            long start = Stopwatch.GetTimestamp();
            Model repaired = repair(optimized.Clone());
            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            Model full = step == "float" ? repaired : PlainQuantization.Of(repaired, samples, new() { Weights = new Granularity.PerTensor() }, new RangeEstimator.MeanSquaredError());
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {step} | {Metric(repaired):F4} | {Metric(full):F4} | {seconds:F1} |"));
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

    /// <summary>Channels equalized between layers, and, where operators stand between that only take scales of their own, between activations and the weights that read them.</summary>
    private static Model Equalized(Model model, IDataSet samples)
    {
        new EqualizeLayersPass(new()).Run(model, PassContext.None);
        MigrateActivationScalesOptions options = new() { Convolutions = true, WidenScalars = true };
        ChannelMaximumObserver observer = new(MigrateActivationScalesPass.Activations(model, options));
        Observer.Observe(model, samples, [observer]);
        new MigrateActivationScalesPass(options, v => observer.Maxima.TryGetValue(v, out float[]? maxima) ? Array.ConvertAll(maxima, m => (double)m) : null).Run(model, PassContext.None);
        return model;
    }
}
