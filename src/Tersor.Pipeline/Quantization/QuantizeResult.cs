using Tersor.Compression;
using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Pipeline.Quantization;

/// <summary>One quantized model that was tried.</summary>
/// <param name="FloatLayers">How many of the most sensitive layers stay float in it.</param>
/// <param name="Metric">The metric on the held-out samples; null where there are no labels.</param>
/// <param name="Sqnr">Signal to quantization noise of its outputs, in dB, on held-out samples; null where it was not measured.</param>
/// <param name="Chosen">Whether it is the result.</param>
public sealed record QuantizationCandidate(int FloatLayers, double? Metric, double? Sqnr, bool Chosen);

/// <summary>What <see cref="QuantizeJob"/> made and why.</summary>
/// <param name="Model">The quantized model.</param>
/// <param name="Mode">What was done in the end; never <see cref="QuantizationMode.Auto"/>.</param>
/// <param name="Report">Every layer: quantized, or left float with the reason.</param>
/// <param name="FloatMetric">The float model's metric on the held-out samples; null where there are no labels.</param>
/// <param name="MetricName">The metric's name; null where there are no labels.</param>
/// <param name="Sensitivities">Layers by the error each causes alone, the most sensitive first; empty when it was not measured.</param>
/// <param name="Candidates">What was tried.</param>
/// <param name="StaticSpeedUp">How many times faster the best static candidate is than the float model here; null where it was not measured. Below 1 it was dropped.</param>
public sealed record QuantizeResult(Model Model, QuantizationMode Mode, PassReport Report, double? FloatMetric, string? MetricName,
    IReadOnlyList<LayerSensitivity> Sensitivities, IReadOnlyList<QuantizationCandidate> Candidates, MedianInterval? StaticSpeedUp = null);
