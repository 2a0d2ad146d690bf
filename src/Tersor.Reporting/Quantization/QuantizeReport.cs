using Tersor.Pipeline.Judging;
using Tersor.Pipeline.Quantization;
using Tersor.Reporting.Optimization;
using Tersor.Reporting.Training;
using Tersor.Runtime;

namespace Tersor.Reporting.Quantization;

/// <summary>What <c>tersor quantize</c> did.</summary>
public sealed record QuantizeReport
{
    /// <summary>The model that was read.</summary>
    public required string Input { get; init; }

    /// <summary>The model that was written.</summary>
    public required string Output { get; init; }

    /// <summary>What was done in the end: static, dynamic, or weights only.</summary>
    public required QuantizationMode Mode { get; init; }

    /// <summary>Bytes of the model that was read, its external data included.</summary>
    public required long BytesBefore { get; init; }

    /// <summary>The same for the result.</summary>
    public required long BytesAfter { get; init; }

    /// <summary>The metric candidates were judged by; null where there were no labels.</summary>
    public required string? Metric { get; init; }

    /// <summary>The float model's metric on the held-out samples.</summary>
    public required double? FloatMetric { get; init; }

    /// <summary>What was tried, the fastest first.</summary>
    public required IReadOnlyList<QuantizationCandidate> Candidates { get; init; }

    /// <summary>Layers by the error each causes alone, the most sensitive first.</summary>
    public required IReadOnlyList<LayerSensitivity> Sensitivities { get; init; }

    /// <summary>The same for regions of several connected layers.</summary>
    public IReadOnlyList<LayerSensitivity> Regions { get; init; } = [];

    /// <summary>How good the result is on held-out samples, output by output; null where it was not judged.</summary>
    public Verdict? Verdict { get; init; }

    /// <summary>Why there was nothing to gain, so that the output is the model that was read; null where there was.</summary>
    public string? NoGain { get; init; }

    /// <summary>What was quantized.</summary>
    public required IReadOnlyList<Subject> Quantized { get; init; }

    /// <summary>What stays float, and why.</summary>
    public required IReadOnlyList<Subject> Float { get; init; }

    /// <summary>Every operator that has an 8-bit form: what it takes, what it costs in accuracy, and what was decided; empty where nothing was measured.</summary>
    public required IReadOnlyList<PlannedLayer> Layers { get; init; }

    /// <summary>Histograms, time by kernel, repairs that were tried.</summary>
    public required QuantizationEvidence Evidence { get; init; }

    /// <summary>Latency of the model that was read and of the result, measured against each other; null when it was not measured.</summary>
    public required BenchmarkReport? Latency { get; init; }

    /// <summary>How it was trained; null where it was not.</summary>
    public TrainingCourse? Training { get; init; }

    /// <summary>Where it was made; null where nothing was measured.</summary>
    public MachineInfo? Machine { get; init; }

    /// <summary>When it was made; null where that is left out, so that equal runs give equal reports.</summary>
    public DateTimeOffset? Date { get; init; }

    /// <summary>Whether a greater <see cref="Metric"/> is better. Default: yes.</summary>
    public bool HigherIsBetter { get; init; } = true;

    /// <summary>What the result had to keep within; null where it was not judged.</summary>
    public Budget? Budget { get; init; }

    /// <summary>Summarizes a result.</summary>
    public static QuantizeReport Of(string input, string output, QuantizeResult result, long bytesBefore, long bytesAfter, BenchmarkReport? latency) => new()
    {
        Input = input,
        Output = output,
        Mode = result.Mode,
        BytesBefore = bytesBefore,
        BytesAfter = bytesAfter,
        Metric = result.MetricName,
        FloatMetric = result.FloatMetric,
        Candidates = result.Candidates,
        Sensitivities = result.Sensitivities,
        Regions = result.Regions,
        Verdict = result.Verdict,
        NoGain = result.NoGain,
        Budget = result.Budget,
        HigherIsBetter = result.HigherIsBetter,
        Quantized = [.. result.Report.Changes.Select(c => new Subject(c.Subject, c.What))],
        Float = [.. result.Report.Skipped.Select(s => new Subject(s.Subject, s.Reason))],
        Layers = result.Plan?.Layers ?? [],
        Evidence = result.Evidence,
        Latency = latency,
        Machine = latency?.Machine,
    };
}
