using Tersor.Compression;
using Tersor.Compression.Training;
using Tersor.Onnx;
using Tersor.Pipeline.Judging;
using Tersor.Runtime;

namespace Tersor.Pipeline.Quantization;

/// <summary>One quantized model that was tried.</summary>
/// <param name="Name">What is special about it, in a few words.</param>
/// <param name="FloatLayers">How many layers with weights that could run in 8 bits stay float in it.</param>
/// <param name="Metric">The metric on the held-out samples; null where there are no labels or it was not measured.</param>
/// <param name="Sqnr">Signal to quantization noise of its outputs, in dB, on held-out samples; null where it was not measured.</param>
/// <param name="SpeedUp">How many times faster than the float model it runs here; null where it was not measured.</param>
/// <param name="Milliseconds">Median latency; null where it was not measured.</param>
/// <param name="Bytes">Bytes of its weights.</param>
/// <param name="Chosen">Whether it is the result.</param>
public sealed record QuantizationCandidate(string Name, int FloatLayers, double? Metric, double? Sqnr, MedianInterval? SpeedUp, double? Milliseconds, long Bytes, bool Chosen)
{
    /// <summary>How good it is on held-out samples, output by output, with intervals; null where it was not judged.</summary>
    public Verdict? Verdict { get; init; }
}

/// <summary>What <see cref="QuantizeJob"/> made and why.</summary>
/// <param name="Model">The quantized model.</param>
/// <param name="Mode">What was done in the end; never <see cref="QuantizationMode.Auto"/>.</param>
/// <param name="Report">Every layer: quantized, or left float with the reason.</param>
/// <param name="FloatMetric">The float model's metric on the held-out samples; null where there are no labels.</param>
/// <param name="MetricName">The metric's name; null where there are no labels.</param>
/// <param name="Sensitivities">Layers by the error each causes alone, the most sensitive first; empty when it was not measured.</param>
/// <param name="Candidates">What was tried, the fastest first.</param>
public sealed record QuantizeResult(Model Model, QuantizationMode Mode, PassReport Report, double? FloatMetric, string? MetricName,
    IReadOnlyList<LayerSensitivity> Sensitivities, IReadOnlyList<QuantizationCandidate> Candidates)
{
    /// <summary>How many times faster a model must be, at the lower end of the interval, to be a gain by its speed alone: less is what chance gives one of two equal graphs.</summary>
    public const double Faster = 1.05;

    /// <summary>Bytes of the model's weights; one that several nodes share counts once.</summary>
    public long WeightBytes => Model.WeightBytes();

    /// <summary>Regions of several connected layers by the error each causes alone.</summary>
    public IReadOnlyList<LayerSensitivity> Regions { get; init; } = [];

    /// <summary>Whether a greater metric is better; true where there is none.</summary>
    public bool HigherIsBetter { get; init; } = true;

    /// <summary>How good the result is on held-out samples; null where there were none.</summary>
    public Verdict? Verdict { get; init; }

    /// <summary>What the result had to keep within; null where it was not judged.</summary>
    public Budget? Budget { get; init; }

    /// <summary>Why there is nothing to write, so that <see cref="Model"/> is the model that was given; null where there is a result.</summary>
    public string? NoGain { get; init; }

    /// <summary>What was measured and decided, to be read, edited and used again; null where nothing was measured.</summary>
    public QuantizationPlan? Plan { get; init; }

    /// <summary>What training gave, epoch by epoch; null where nothing was trained.</summary>
    public TrainingResult? Training { get; init; }

    /// <summary>What was measured beside the candidates, for reports.</summary>
    public QuantizationEvidence Evidence { get; init; } = QuantizationEvidence.None;
}
