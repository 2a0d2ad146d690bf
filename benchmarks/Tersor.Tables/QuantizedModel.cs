using System.Diagnostics;
using Tersor.Data;
using Tersor.Data.Metrics;
using Tersor.Onnx;
using Tersor.Pipeline.Quantization;
using Tersor.Runtime;

namespace Tersor.Tables;

/// <summary>A model quantized as the command line does it.</summary>
/// <param name="Result">What the job gave.</param>
/// <param name="Seconds">What it took.</param>
internal sealed record QuantizedModel(QuantizeResult Result, double Seconds)
{
    /// <param name="model">Float. Not modified.</param>
    /// <param name="calibration">Samples to learn ranges from.</param>
    /// <param name="validation">Samples to compare candidates on; null: the job holds some back.</param>
    /// <param name="metric">What candidates are judged by; null where there are no labels.</param>
    /// <param name="settings">Budgets; null: as they are with no option set by hand.</param>
    public static QuantizedModel Of(Model model, IDataSet calibration, IDataSet? validation, Func<IMetric>? metric, QuantizeSettings? settings = null)
    {
        long start = Stopwatch.GetTimestamp();
        QuantizeResult result = new QuantizeJob(settings ?? new()) { Optimizer = new() { Samples = Samples(calibration) } }.Run(model, calibration, validation, metric);
        return new(result, Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    /// <summary>What rewrites are verified with.</summary>
    public static IReadOnlyList<IReadOnlyDictionary<string, RuntimeValue>> Samples(IDataSet data) => [data.Read(0).Steps[0].ToDictionary(i => i.Key, i => (RuntimeValue)new RuntimeValue.Dense(i.Value))];
}
