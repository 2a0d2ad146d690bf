using Tersor.Onnx;

namespace Tersor.Compression.Quantization;

/// <summary>What <see cref="QuantizeWeightsPass"/> does. Immutable; change it with <c>with</c>.</summary>
public sealed record QuantizeWeightsOptions
{
    /// <summary>Bits of a stored weight, 2..8. With 4 and fewer, two or four share a byte. Default 8.</summary>
    public int Bits { get; init; } = 8;

    /// <summary>Weights of fewer elements stay as they are: the nodes that restore them would outweigh the saving. Default 1024.</summary>
    public long MinElements { get; init; } = 1024;

    /// <summary>Why the weights of a node must stay as they are, or null when they may be stored small. Default: none must.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public Func<Node, string?> KeepFloat { get; init; } = _ => null;

    /// <summary>The type the integers are stored in.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public ElementType Storage => Format.WeightStorage;

    /// <summary>Oldest version of ONNX's operator set that can restore them: Mul broadcasts as it does today from 7 on, 4-bit integers came with 21, 2-bit ones with 25.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public long RequiredOpset => Storage == ElementType.Int8 ? 7 : Format.RequiredOpset;

    /// <summary>Every broken rule, in words; empty when the options are usable.</summary>
    public IEnumerable<string> Problems()
    {
        if (Bits is < 2 or > 8)
            yield return $"{nameof(Bits)} is {Bits}; expected 2..8.";
        if (MinElements < 0)
            yield return $"{nameof(MinElements)} is {MinElements}; expected 0 or more.";
    }

    private NumberFormat Format => new() { WeightBits = Bits };
}
