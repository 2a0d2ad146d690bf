using System.Diagnostics;
using Tersor.Data;
using Tersor.Data.Metrics;
using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>How <see cref="Evaluator"/> runs. Immutable; change it with <c>with</c>.</summary>
public sealed record EvaluationOptions
{
    /// <summary>How the engine loads and runs the models.</summary>
    public SessionSettings Session { get; init; } = new();

    /// <summary>Only the first samples, as many as this; null for all.</summary>
    public int? MaxSamples { get; init; }
}

/// <summary>What an evaluation found.</summary>
/// <param name="Samples">Samples run.</param>
/// <param name="Metrics">The metrics' values by name.</param>
/// <param name="RunTime">Wall-clock time within the model evaluated; reading data and the reference model not included.</param>
public sealed record EvaluationResult(int Samples, IReadOnlyDictionary<string, double> Metrics, TimeSpan RunTime);

/// <summary>Runs a model over a data set and accumulates metrics, sample by sample.</summary>
public static class Evaluator
{
    /// <param name="model">The model.</param>
    /// <param name="data">The data, run with a batch of 1.</param>
    /// <param name="metrics">Freshly made: an evaluation adds to what they hold.</param>
    /// <param name="reference">A model to compare with, for metrics that need one; null without.</param>
    /// <param name="options">How to run.</param>
    /// <param name="progress">Told the number of samples done.</param>
    /// <param name="cancellation">Looked at before every step.</param>
    /// <exception cref="RuntimeException">The engine cannot load or run a model on this data, or a metric needs a reference and there is none.</exception>
    /// <exception cref="DataException">A sample cannot be read.</exception>
    public static EvaluationResult Evaluate(Model model, IDataSet data, IReadOnlyCollection<IMetric> metrics, Model? reference = null,
        EvaluationOptions? options = null, IProgress<int>? progress = null, CancellationToken cancellation = default)
    {
        options ??= new();
        if (reference is null && metrics.FirstOrDefault(m => m.NeedsReference) is { } lacking)
            throw new RuntimeException($"Metric '{lacking.Name}' compares with a reference model, and there is none.");
        using ModelSession session = new(model, options.Session);
        using ModelSession? other = reference is null ? null : new(reference, options.Session);
        SampleRunner runner = new(session, data.Feedback);
        SampleRunner? referenceRunner = other is null ? null : new(other, data.Feedback);
        int count = Math.Min(data.Count, options.MaxSamples ?? int.MaxValue);
        TimeSpan time = default;
        for (int i = 0; i < count; i++)
        {
            Sample sample = data.Read(i);
            long start = Stopwatch.GetTimestamp();
            IReadOnlyList<IReadOnlyDictionary<string, Tensor>> outputs = runner.Run(sample, cancellation: cancellation);
            time += Stopwatch.GetElapsedTime(start);
            Tersor.Data.Metrics.Observation observation = new(sample, outputs, referenceRunner?.Run(sample, cancellation: cancellation));
            foreach (IMetric metric in metrics)
                metric.Add(observation);
            progress?.Report(i + 1);
        }
        return new(count, metrics.ToDictionary(m => m.Name, m => m.Value), time);
    }
}
