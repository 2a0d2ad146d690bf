using Tersor.Data;
using Tersor.Data.Metrics;
using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Pipeline.Evaluation;

/// <summary>A figure over a data set.</summary>
/// <param name="Metric">The metric's name.</param>
/// <param name="Value">The figure; NaN where there was nothing to count.</param>
/// <param name="HigherIsBetter">True when more is better.</param>
public sealed record MetricValue(string Metric, double Value, bool HigherIsBetter);

/// <summary>What was measured of one model.</summary>
/// <param name="Model">The file, or the name it was given.</param>
/// <param name="Values">One figure a metric, in the order of the metrics.</param>
public sealed record EvaluatedModel(string Model, IReadOnlyList<MetricValue> Values)
{
    /// <summary>Outputs of strings: the share of elements that equal the reference's.</summary>
    public IReadOnlyList<MetricValue> Strings { get; init; } = [];

    /// <summary>Outputs that are no tensors, with their types: no metric sees them.</summary>
    public IReadOnlyList<string> LeftOut { get; init; } = [];
}

/// <summary>Measures models on a data set: every sample is read once, run through all of them, and forgotten.</summary>
public static class EvaluateJob
{
    /// <summary>Runs the job.</summary>
    /// <param name="models">Models that take the data's inputs: files or in memory.</param>
    /// <param name="reference">The model that others are compared with; null where no metric needs one. It may be one of the models.</param>
    /// <param name="data">What is fed.</param>
    /// <param name="metrics">Makes the metrics anew for each model.</param>
    /// <param name="settings">How the engine runs them; null: the defaults.</param>
    /// <param name="fed">What is fed besides tensors, by sample: sequences, maps. Samples then have one step. Null: nothing.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="RuntimeException">A model does not load or run.</exception>
    /// <exception cref="DataException">A sample cannot be read, or lacks what a metric needs.</exception>
    public static IReadOnlyList<EvaluatedModel> Run(IReadOnlyList<ModelSource> models, ModelSource? reference, IDataSet data, Func<IReadOnlyList<IMetric>> metrics,
        SessionSettings? settings = null, IReadOnlyList<IReadOnlyDictionary<string, RuntimeValue>>? fed = null, IProgress<JobProgress>? progress = null, CancellationToken cancellation = default)
    {
        Dictionary<ModelSource, ModelSession> sessions = [];
        try
        {
            foreach (ModelSource model in reference is null ? models : [.. models, reference])
            {
                if (!sessions.ContainsKey(model))
                    sessions[model] = model.Open(settings ?? new());
            }
            Dictionary<ModelSource, SampleRunner> runners = sessions.ToDictionary(s => s.Key, s => new SampleRunner(s.Value, data.Feedback));
            StringCounter[] strings = [.. models.Select(_ => new StringCounter())];
            IMetric[][] counters = [.. models.Select(_ => metrics().ToArray())];
            if (reference is null && counters[0].FirstOrDefault(m => m.NeedsReference) is { } needy)
                throw new DataException($"Metric '{needy.Name}' compares with a reference model, and none is given.");
            for (int i = 0; i < data.Count; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                progress?.Report(new("evaluating", (double)i / data.Count));
                Sample sample = data.Read(i);
                Dictionary<ModelSource, IReadOnlyList<IReadOnlyDictionary<string, Tensor>>> outputs = runners.ToDictionary(r => r.Key, r =>
                    fed is not null ? [Tensors(sessions[r.Key].RunValues(new Dictionary<string, RuntimeValue>(RuntimeValue.All(sample.Steps[0]).Concat(fed[i]))))] : r.Value.Run(sample, null, cancellation));
                for (int m = 0; m < models.Count; m++)
                {
                    foreach (IMetric counter in counters[m])
                        counter.Add(new(sample, outputs[models[m]], reference is null ? null : outputs[reference]));
                    if (reference is not null)
                        strings[m].Add(outputs[models[m]], outputs[reference]);
                }
            }
            return [.. models.Select((model, m) => new EvaluatedModel(model.Name, [.. counters[m].Select(c => new MetricValue(c.Name, c.Value, c.HigherIsBetter))])
            {
                Strings = strings[m].Values,
                LeftOut = [.. sessions[model].Outputs.Where(o => o.Type is not OnnxType.Tensor).Select(o => $"'{o.Name}', {o.Type}")],
            })];
        }
        finally
        {
            foreach (ModelSession session in sessions.Values)
                session.Dispose();
        }
    }

    /// <summary>The same, on a thread of the pool.</summary>
    /// <inheritdoc cref="Run"/>
    public static Task<IReadOnlyList<EvaluatedModel>> RunAsync(IReadOnlyList<ModelSource> models, ModelSource? reference, IDataSet data, Func<IReadOnlyList<IMetric>> metrics,
        SessionSettings? settings = null, IReadOnlyList<IReadOnlyDictionary<string, RuntimeValue>>? fed = null, IProgress<JobProgress>? progress = null, CancellationToken cancellation = default) =>
        Task.Run(() => Run(models, reference, data, metrics, settings, fed, progress, cancellation), cancellation);

    private static Dictionary<string, Tensor> Tensors(IReadOnlyDictionary<string, RuntimeValue> values) =>
        values.Where(v => v.Value is RuntimeValue.Dense).ToDictionary(v => v.Key, v => ((RuntimeValue.Dense)v.Value).Tensor);
}
