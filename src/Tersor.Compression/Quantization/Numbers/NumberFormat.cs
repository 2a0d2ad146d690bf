using Tersor.Onnx;

namespace Tersor.Compression.Quantization;

/// <summary>What numbers activations and weights become. Immutable; change it with <c>with</c>.</summary>
public sealed record NumberFormat
{
    /// <summary>Integers of activations: UInt4, UInt8, Int8, UInt16 or Int16. Default UInt8.</summary>
    /// <remarks>UInt4 is carried in UInt8 and clipped to 0..15, so that the engine's 8-bit kernels take it: for hardware of 4 bits, and to see what they cost; nothing gets faster or smaller here by it, and accuracy asks for training.</remarks>
    public ElementType Activations { get; init; } = ElementType.UInt8;

    /// <summary>Whether the zero point of activations lies in the middle of their integers instead of where the range asks for it. Default: no.</summary>
    public bool SymmetricActivations { get; init; }

    /// <summary>Bits of a weight, 2..8. They are symmetric, and the most negative integer is left out. Default 8.</summary>
    /// <remarks>With 4 bits and fewer they are stored packed, and become 8-bit integers as the engine loads them: smaller, as fast as 8 bits. Accuracy asks for training then. Processors without an 8-bit dot product that sums in 32 bits add pairs of products in 16 bits, which saturate: 7 bits avoid it.</remarks>
    public int WeightBits { get; init; } = 8;

    /// <summary>Which weights share one scale. Default: those of one output channel.</summary>
    public Granularity Weights { get; init; } = new Granularity.PerOutputChannel();

    /// <summary>Whether a tensor of weights gets a zero point of its own. Per tensor only: kernels know one zero point for all channels. Default: no.</summary>
    public bool AsymmetricWeights { get; init; }

    /// <summary>Largest magnitude of a symmetric weight: 127 for 8 bits.</summary>
    public int WeightLimit => (1 << (WeightBits - 1)) - 1;

    /// <summary>The type a weight is stored in: two or four in a byte where they fit.</summary>
    public ElementType WeightStorage => WeightBits <= 2 ? ElementType.Int2 : WeightBits <= 4 ? ElementType.Int4 : ElementType.Int8;

    /// <summary>Oldest version of ONNX's operator set that has the types.</summary>
    public long RequiredOpset => WeightStorage == ElementType.Int2 ? 25 : WeightStorage == ElementType.Int4 || Activations is ElementType.UInt16 or ElementType.Int16 ? 21 : QuantizeStaticPass.RequiredOpset;

    /// <summary>Scale and zero point of an activation.</summary>
    public QuantizationParameters ForRange(double low, double high) =>
        SymmetricActivations ? QuantizationParameters.Symmetric(low, high, Activations) : QuantizationParameters.FromRange(low, high, Activations);

    /// <summary>Every broken rule, in words; empty when the format is usable.</summary>
    public IEnumerable<string> Problems()
    {
        if (Activations is not (ElementType.UInt4 or ElementType.UInt8 or ElementType.Int8 or ElementType.UInt16 or ElementType.Int16))
            yield return $"{nameof(Activations)} is {Activations}; expected UInt4, UInt8, Int8, UInt16 or Int16.";
        if (WeightBits is not (>= 2 and <= 8))
            yield return $"{nameof(WeightBits)} is {WeightBits}; expected 2..8.";
        if (AsymmetricWeights && WeightBits < 8)
            yield return "Asymmetric weights have 8 bits.";
        if (AsymmetricWeights && Weights is not Granularity.PerTensor)
            yield return "Asymmetric weights need one scale a tensor (--per-tensor).";
    }
}
