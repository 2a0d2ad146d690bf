namespace Tersor.Compression.Quantization;

/// <summary>What <see cref="QuantizeDynamicPass"/> does. Immutable; change it with <c>with</c>.</summary>
public sealed record QuantizeDynamicOptions
{
    /// <summary>Weights of fewer elements stay float: quantizing their input would cost more than it saves. Default 4096.</summary>
    public long MinElements { get; init; } = 4096;

    /// <summary>Largest magnitude of a quantized weight: 127 for 8 bits, 63 for 7. Default 127.</summary>
    public int WeightLimit { get; init; } = Emission.WeightQuantizer.Limit;

    /// <summary>Scales of a node's weight that were chosen otherwise than by the largest magnitude, one an output channel or a single one; null for the others. Default: none were. LSTMs are not asked for.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public Func<Onnx.Node, float[]?> ScalesOf { get; init; } = _ => null;

    /// <summary>Leave alone what has an 8-bit form only among ONNX Runtime's own operators: LSTM. Default: no.</summary>
    public bool StandardOperatorsOnly { get; init; }

    /// <summary>Why a node must stay float, or null when it may be quantized. Default: none must.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public Func<Onnx.Node, string?> KeepFloat { get; init; } = _ => null;
}
