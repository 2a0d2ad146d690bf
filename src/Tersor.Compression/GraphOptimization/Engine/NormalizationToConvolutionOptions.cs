namespace Tersor.Compression.GraphOptimization;

/// <summary>What <see cref="NormalizationToConvolutionPass"/> changes. Immutable; change it with <c>with</c>.</summary>
public sealed record NormalizationToConvolutionOptions
{
    /// <summary>Also Mul, Add, Sub, Div with constants that stand between convolutions. Default false: only BatchNormalization.</summary>
    /// <remarks>ONNX Runtime keeps values between convolutions in blocks of channels; a constant has no such layout, so that every such node costs two conversions. A quantized network is better off with them as they are.</remarks>
    public bool ScalesAndShifts { get; init; }
}
