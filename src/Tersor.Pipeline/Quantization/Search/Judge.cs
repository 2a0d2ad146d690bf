using Tersor.Data;
using Tersor.Data.Metrics;
using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Pipeline.Quantization;

/// <summary>How good a quantized model is on held-out samples.</summary>
/// <param name="Sqnr">Signal to noise of its outputs, dB.</param>
/// <param name="Metric">The metric; null where there are no labels.</param>
internal sealed record Verdict(double Sqnr, double? Metric);

/// <summary>Measures models on held-out samples, and says which is good enough and which of two is better.</summary>
/// <param name="settings">The budget.</param>
/// <param name="original">The float model.</param>
/// <param name="held">Samples that nothing was calibrated on.</param>
/// <param name="judging">Samples the metric is measured on.</param>
/// <param name="metric">Makes the metric; null where there are no labels.</param>
/// <param name="session">How to run.</param>
/// <param name="cancellation">Stops the runs of the float model.</param>
internal sealed class Judge(QuantizeSettings settings, Model original, IDataSet held, IDataSet judging, Func<IMetric>? metric, SessionSettings session, CancellationToken cancellation)
{
    /// <summary>Samples the signal to noise is measured on, at least; more where it alone decides.</summary>
    private const int NoiseSamples = 8, UnlabelledNoiseSamples = 16;

    /// <summary>Samples from which on the metric orders candidates; below, the signal to noise does.</summary>
    public const int LeastForOrder = 30;

    /// <summary>Differences of the signal to noise below this are chance, dB.</summary>
    private const double LeastGain = 0.1;

    /// <summary>Signal to noise on a few samples.</summary>
    public OutputNoise Noise { get; } = new(original, held.Take(Math.Max(settings.SensitivitySamples, metric is null ? UnlabelledNoiseSamples : NoiseSamples)), session, cancellation);

    /// <summary>The float model's metric; null where there are no labels.</summary>
    public double? FloatMetric { get; } = metric is null ? null : Measure(original, judging, metric, session, cancellation);

    /// <summary>The metric's name; null where there are no labels.</summary>
    public string? MetricName { get; } = metric?.Invoke().Name;

    /// <summary>Whether a greater metric is better.</summary>
    public bool HigherIsBetter { get; } = metric?.Invoke().HigherIsBetter ?? true;

    /// <summary>Measures a model.</summary>
    public Verdict Of(Model model, CancellationToken cancellation) => new(OutputNoise.Decibel(Noise.Of(model, cancellation)), MetricOf(model, cancellation));

    /// <summary>The metric of a model; null where there are no labels.</summary>
    public double? MetricOf(Model model, CancellationToken cancellation) => metric is null ? null : Measure(model, judging, metric, session, cancellation);

    /// <summary>Whether a model stays within the budget.</summary>
    public bool IsGoodEnough(Verdict verdict) => verdict.Metric is { } value && FloatMetric is { } whole
        ? (HigherIsBetter ? whole - value : value - whole) <= settings.MaxDrop : verdict.Sqnr >= settings.MinSqnr;

    /// <summary>Whether a change is worth keeping: it makes the outputs closer without costing the metric, or the metric better without making the outputs worse.</summary>
    public bool IsBetter(Verdict changed, Verdict before)
    {
        double metricGain = changed.Metric is { } after && before.Metric is { } value ? (HigherIsBetter ? after - value : value - after) : 0;
        return metricGain >= 0 && changed.Sqnr >= before.Sqnr + LeastGain || metricGain > 0 && changed.Sqnr >= before.Sqnr - LeastGain;
    }

    /// <summary>For ordering: higher is better. A metric of few samples has steps too coarse to order by.</summary>
    public double Score(Verdict verdict) => verdict.Metric is { } value && judging.Count >= LeastForOrder ? HigherIsBetter ? value : -value : verdict.Sqnr;

    private static double Measure(Model model, IDataSet samples, Func<IMetric> metric, SessionSettings session, CancellationToken cancellation)
    {
        IMetric counter = metric();
        using ModelSession loaded = new(model, session);
        SampleRunner runner = new(loaded, samples.Feedback);
        foreach (Sample one in samples.Samples())
            counter.Add(new(one, runner.Run(one, null, cancellation), null));
        return counter.Value;
    }
}
