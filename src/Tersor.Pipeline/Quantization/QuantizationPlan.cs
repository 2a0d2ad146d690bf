using Tersor.Compression.Quantization.Placement;

namespace Tersor.Pipeline.Quantization;

/// <summary>How one operator, with the activation that vanishes into it, computes.</summary>
public enum LayerForm
{
    /// <summary>In float.</summary>
    Float,

    /// <summary>In 8 bits, under ranges from calibration.</summary>
    Static,

    /// <summary>In 8 bits, under ranges found at run time.</summary>
    Dynamic,
}

/// <summary>What was measured and decided about one operator.</summary>
/// <param name="Layer">Name of its first output in the model that is quantized.</param>
/// <param name="Operator">The operator.</param>
/// <param name="Form">The decision. Edit it to have it otherwise.</param>
/// <param name="FloatMicroseconds">Time of a run in float; null where the profile did not show it apart.</param>
/// <param name="QuantizedMicroseconds">The same in 8 bits.</param>
/// <param name="Noise">Energy of the error it causes alone over energy of the outputs; null where it was not measured.</param>
/// <param name="Reason">Why this form, in words.</param>
public sealed record PlannedLayer(string Layer, string Operator, LayerForm Form, double? FloatMicroseconds, double? QuantizedMicroseconds, double? Noise, string Reason);

/// <summary>The range of one activation.</summary>
/// <param name="Value">Its name in the model that is quantized.</param>
/// <param name="Low">Least value represented.</param>
/// <param name="High">Greatest value represented.</param>
/// <param name="Estimator">What gave it.</param>
public sealed record PlannedRange(string Value, double Low, double High, string Estimator);

/// <summary>Everything measured and decided about quantizing one model: with it, the result follows without measuring anything, the same bytes every time.</summary>
public sealed record QuantizationPlan
{
    /// <summary>Version of the file's format.</summary>
    public int Format { get; init; } = 1;

    /// <summary>Fingerprint of the float model it was made for.</summary>
    public required string Model { get; init; }

    /// <summary>The kind of machine it is for.</summary>
    public required TargetMachine Target { get; init; }

    /// <summary>The processor it was measured on.</summary>
    public required string Cpu { get; init; }

    /// <summary>Version of the engine it was measured with.</summary>
    public required string Engine { get; init; }

    /// <summary>Every operator that has an 8-bit form.</summary>
    public required IReadOnlyList<PlannedLayer> Layers { get; init; }

    /// <summary>The range of every activation that can be quantized.</summary>
    public required IReadOnlyList<PlannedRange> Ranges { get; init; }

    /// <summary>Repairs that are applied, in order.</summary>
    public IReadOnlyList<string> Repairs { get; init; } = [];
}
