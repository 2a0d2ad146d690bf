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
/// <param name="Model">The file.</param>
/// <param name="Values">One figure a metric, in the order of the metrics.</param>
public sealed record EvaluatedModel(string Model, IReadOnlyList<MetricValue> Values)
{
    /// <summary>Outputs of strings: the share of elements that equal the reference's.</summary>
    public IReadOnlyList<MetricValue> Strings { get; init; } = [];

    /// <summary>Outputs that are no tensors, with their types: no metric sees them.</summary>
    public IReadOnlyList<string> LeftOut { get; init; } = [];
}

/// <summary>What samples cannot hold, for <see cref="EvaluateJob"/>.</summary>
public sealed record EvaluationExtras
{
    /// <summary>What is fed besides tensors, by sample: sequences, maps. Samples then have one step. Null: nothing.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, RuntimeValue>>? Fed { get; init; }

    /// <summary>Models to run in place of files, by path. Default: none.</summary>
    public IReadOnlyDictionary<string, Model> Replaced { get; init; } = new Dictionary<string, Model>();
}

/// <summary>Measures models on a data set: every sample is read once, run through all of them, and forgotten.</summary>
public static class EvaluateJob
{
    /// <summary>Runs the job.</summary>
    /// <param name="models">Model files that take the data's inputs.</param>
    /// <param name="reference">The model that others are compared with; null where no metric needs one. It may be one of the models.</param>
    /// <param name="data">What is fed.</param>
    /// <param name="metrics">Makes the metrics anew for each model.</param>
    /// <param name="settings">How the engine runs them.</param>
    /// <param name="extras">What samples and paths cannot hold; null: nothing.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="RuntimeException">A model does not load or run.</exception>
    /// <exception cref="DataException">A sample cannot be read, or lacks what a metric needs.</exception>
    public static IReadOnlyList<EvaluatedModel> Run(IReadOnlyList<string> models, string? reference, IDataSet data, Func<IReadOnlyList<IMetric>> metrics,
        SessionSettings settings, EvaluationExtras? extras = null, IProgress<JobProgress>? progress = null, CancellationToken cancellation = default)
    {
        extras ??= new();
        Dictionary<string, ModelSession> sessions = [];
        try
        {
            foreach (string path in reference is null ? models : [.. models, reference])
            {
                if (!sessions.ContainsKey(path))
                    sessions[path] = Load(path, extras, settings);
            }
            Dictionary<string, SampleRunner> runners = sessions.ToDictionary(s => s.Key, s => new SampleRunner(s.Value, data.Feedback));
            StringCounter[] strings = [.. models.Select(_ => new StringCounter())];
            IMetric[][] counters = [.. models.Select(_ => metrics().ToArray())];
            if (reference is null && counters[0].FirstOrDefault(m => m.NeedsReference) is { } needy)
                throw new DataException($"Metric '{needy.Name}' compares with a reference model, and none is given.");
            for (int i = 0; i < data.Count; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                progress?.Report(new("evaluating", (double)i / data.Count));
                Sample sample = data.Read(i);
                Dictionary<string, IReadOnlyList<IReadOnlyDictionary<string, Tensor>>> outputs = runners.ToDictionary(r => r.Key, r =>
                    extras.Fed is { } fed ? [Tensors(sessions[r.Key].RunValues(new Dictionary<string, RuntimeValue>(RuntimeValue.All(sample.Steps[0]).Concat(fed[i]))))] : r.Value.Run(sample, null, cancellation));
                for (int m = 0; m < models.Count; m++)
                {
                    foreach (IMetric counter in counters[m])
                        counter.Add(new(sample, outputs[models[m]], reference is null ? null : outputs[reference]));
                    if (reference is not null)
                        strings[m].Add(outputs[models[m]], outputs[reference]);
                }
            }
            return [.. models.Select((path, m) => new EvaluatedModel(path, [.. counters[m].Select(c => new MetricValue(c.Name, c.Value, c.HigherIsBetter))])
            {
                Strings = strings[m].Values,
                LeftOut = [.. sessions[path].Outputs.Where(o => o.Type is not OnnxType.Tensor).Select(o => $"'{o.Name}', {o.Type}")],
            })];
        }
        finally
        {
            foreach (ModelSession session in sessions.Values)
                session.Dispose();
        }
    }

    private static Dictionary<string, Tensor> Tensors(IReadOnlyDictionary<string, RuntimeValue> values) =>
        values.Where(v => v.Value is RuntimeValue.Dense).ToDictionary(v => v.Key, v => ((RuntimeValue.Dense)v.Value).Tensor);

    private static ModelSession Load(string path, EvaluationExtras extras, SessionSettings settings)
    {
        try
        {
            return extras.Replaced.TryGetValue(path, out Model? model) ? new(model, settings) : new(path, settings);
        }
        catch (RuntimeException e)
        {
            throw new RuntimeException($"{path}: {e.Message}", e);
        }
    }
}
