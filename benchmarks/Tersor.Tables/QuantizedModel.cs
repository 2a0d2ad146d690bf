using System.Diagnostics;
using Tersor.Compression.GraphOptimization;
using Tersor.Data;
using Tersor.Data.Metrics;
using Tersor.Onnx;
using Tersor.Pipeline.Quantization;
using Tersor.Runtime;

namespace Tersor.Tables;

/// <summary>A model quantized as the command line does it with no option set by hand.</summary>
/// <param name="Optimized">The float model after the graph optimizer: what the job was given.</param>
/// <param name="Result">What the job gave.</param>
/// <param name="Seconds">What both took.</param>
internal sealed record QuantizedModel(Model Optimized, QuantizeResult Result, double Seconds)
{
    /// <param name="model">Float. Not modified.</param>
    /// <param name="calibration">Samples to learn ranges from.</param>
    /// <param name="validation">Samples to compare candidates on; null: the job holds some back.</param>
    /// <param name="metric">What candidates are judged by; null where there are no labels.</param>
    public static QuantizedModel Of(Model model, IDataSet calibration, IDataSet? validation, Func<IMetric>? metric)
    {
        long start = Stopwatch.GetTimestamp();
        Model optimized = Optimize(model, calibration);
        QuantizeResult result = new QuantizeJob(new()).Run(optimized, calibration, validation, metric);
        return new(optimized, result, Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    private static Model Optimize(Model model, IDataSet data) =>
        new GraphOptimizer(new() { Samples = [data.Read(0).Steps[0].ToDictionary(i => i.Key, i => (RuntimeValue)new RuntimeValue.Dense(i.Value))] }).Run(model).Model;
}
