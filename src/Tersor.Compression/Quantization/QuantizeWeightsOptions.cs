namespace Tersor.Compression.Quantization;

/// <summary>What <see cref="QuantizeWeightsPass"/> does. Immutable; change it with <c>with</c>.</summary>
public sealed record QuantizeWeightsOptions
{
    /// <summary>Weights of fewer elements stay as they are: the nodes that restore them would outweigh the saving. Default 1024.</summary>
    public long MinElements { get; init; } = 1024;

    /// <summary>Why the weights of a node must stay as they are, or null when they may be stored small. Default: none must.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public Func<Onnx.Node, string?> KeepFloat { get; init; } = _ => null;
}
