using Tersor.Compression;
using Tersor.Compression.Quantization;
using Tersor.Compression.Quantization.Placement;
using Tersor.Compression.Quantization.Ranges;
using Tersor.Onnx;
using Tersor.Pipeline.Judging;
using Tersor.Runtime;

namespace Tersor.Pipeline.Quantization;

/// <summary>Chooses the range of every activation: by one estimator, or for each activation by the estimator whose range leaves the least error at the outputs when it alone is rounded.</summary>
internal static class RangeSelection
{
    /// <summary>Samples each trial is run on: as they are, and stressed.</summary>
    private const int Plain = 3, Stressed = 2;

    /// <summary>What all trials together may take; where they would take longer, the activations whose estimators disagree least are left out.</summary>
    private static readonly TimeSpan Effort = TimeSpan.FromSeconds(20);

    /// <summary>The estimator that stands where nothing better was measured.</summary>
    public static RangeEstimator Default { get; } = new RangeEstimator.MeanSquaredError();

    /// <summary>A range must be better than the default's by this factor to take its place.</summary>
    private const double Worthwhile = 0.97;

    /// <summary>Ranges found before, where the settings hold some; else null.</summary>
    /// <exception cref="CompressionException">They are another model's.</exception>
    public static Dictionary<string, ActivationRange>? Given(QuantizeSettings settings, CalibratedModel model)
    {
        if (settings.KnownRanges is not { } known)
            return null;
        Dictionary<string, ActivationRange> ranges = known.Ranges.ToDictionary(r => r.Value, r => new ActivationRange(r.Low, r.High, r.Estimator));
        string[] missing = [.. model.Everything.Activations().Select(v => v.Name).Where(n => !ranges.ContainsKey(n))];
        if (missing.Length == 0)
            return ranges;
        string problem = $"The calibration ranges given hold none for {missing.Length} of the model's activations, '{missing[0]}' among them. They were found with another model or with other options; find them anew.";
        throw new CompressionException(problem) { Pass = "quantize" };
    }

    /// <summary>Ranges by one estimator for all.</summary>
    public static Dictionary<string, ActivationRange> By(RangeEstimator estimator, CalibratedModel model) =>
        model.Distributions.Where(d => d.Value.HasValues).ToDictionary(d => d.Key.Name, d => Estimated(estimator, d.Value));

    /// <summary>Ranges chosen one by one, for what a placement quantizes; the default's for the rest.</summary>
    /// <param name="model">The calibrated model.</param>
    /// <param name="placement">Whose activations matter.</param>
    /// <param name="format">What integers they become.</param>
    /// <param name="samples">What is learned from, and what is held out.</param>
    /// <param name="session">How to run.</param>
    /// <param name="time">Bounds it.</param>
    /// <param name="progress">Told a share 0..1.</param>
    /// <param name="cancellation">Stops it.</param>
    public static Dictionary<string, ActivationRange> Measured(CalibratedModel model, QuantizationPlacement placement, NumberFormat format, SampleSplit samples, SessionSettings session, TimeLimit time,
        IProgress<double>? progress, CancellationToken cancellation)
    {
        Dictionary<string, ActivationRange> ranges = By(Default, model);
        (Value Value, IReadOnlyList<RangeCandidate> Candidates)[] open = [.. placement.Activations().Where(v => model.Distributions.GetValueOrDefault(v) is { HasValues: true })
            .Select(v => (Value: v, Candidates: Distinct(model.Distributions[v]))).Where(o => o.Candidates.Count > 1)];
        if (open.Length == 0 || time.IsOver)
            return ranges;
        OutputNoise noise = new(model.Model, StressedSamples.Beside(samples.Held, Plain, samples.Calibrating, Stressed), session, cancellation);
        using RangeTrials trials = new(model.Model, open.Select(o => o.Value), format.Activations, noise, session);
        double affordable = time.AtMost(Effort, 0.2) / (trials.Idle(format.Activations, cancellation) * noise.SampleCount);
        (Value Value, IReadOnlyList<RangeCandidate> Candidates)[] worth = [.. open.OrderByDescending(o => Disagreement(o.Candidates))];
        int done = 0;
        double spent = 0;
        foreach ((Value value, IReadOnlyList<RangeCandidate> candidates) in worth)
        {
            if ((spent += candidates.Count) > affordable || time.IsOver)
                break;
            double[] errors = [.. candidates.Select(c => trials.Of(value.Name, format.ForRange(c.Low, c.High), noise.SampleCount, cancellation))];
            int own = candidates.ToList().FindIndex(c => c.Estimator == Default), best = Array.IndexOf(errors, errors.Min());
            if (own < 0 || errors[best] < Worthwhile * errors[own])
                ranges[value.Name] = new(candidates[best].Low, candidates[best].High, RangeWords.Of(candidates[best].Estimator));
            progress?.Report((double)++done / worth.Length);
        }
        return ranges;
    }

    /// <summary>Ranges that differ enough to matter; the default's is among them.</summary>
    private static IReadOnlyList<RangeCandidate> Distinct(ValueDistribution observed)
    {
        const double Close = 0.02;
        (double low, double high) = Default.Estimate(observed);
        List<RangeCandidate> kept = [new(Default, low, high)];
        foreach (RangeCandidate candidate in RangeCandidates.Of(observed))
        {
            if (!kept.Any(k => Math.Abs(Width(k) / Width(candidate) - 1) < Close && Math.Abs(Math.Min(k.Low, 0) - Math.Min(candidate.Low, 0)) < Close * Width(k)))
                kept.Add(candidate);
        }
        return kept;
    }

    private static double Width(RangeCandidate candidate) => Math.Max(Math.Max(candidate.High, 0) - Math.Min(candidate.Low, 0), double.Epsilon);

    private static double Disagreement(IReadOnlyList<RangeCandidate> candidates) => candidates.Max(Width) / candidates.Min(Width);

    private static ActivationRange Estimated(RangeEstimator estimator, ValueDistribution observed)
    {
        (double low, double high) = estimator.Estimate(observed);
        return new(low, high, RangeWords.Of(estimator));
    }
}
