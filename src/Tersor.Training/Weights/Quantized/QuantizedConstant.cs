using Tersor.Onnx;

namespace Tersor.Training.Weights.Quantized;

/// <summary>A weight or bias that the model holds as integers, with the DequantizeLinear nodes that read it: training carries it as a float number and rounds it in every step.</summary>
/// <param name="Integers">The constant.</param>
/// <param name="Scale">Its scale: a constant that nothing else reads.</param>
/// <param name="Dequantized">What the nodes give.</param>
internal sealed record QuantizedConstant(Value Integers, Value Scale, IReadOnlyList<Value> Dequantized)
{
    /// <summary>Axis that has one scale for each index; null: one scale for all.</summary>
    public required int? Axis { get; init; }

    /// <summary>The integer that stands for 0.0.</summary>
    public required int ZeroPoint { get; init; }

    /// <summary>Where it is a bias in 32 bits: the weight of its layer, and the scale of what the layer reads. Its own scale is their product.</summary>
    public (QuantizedConstant Weight, Value InputScale)? Layer { get; init; }

    /// <summary>Whether it is of 32 bits, which nothing overflows.</summary>
    public bool IsWide => Integers.Tensor!.Type == ElementType.Int32;

    /// <summary>Least and greatest integer it may hold: of signed ones symmetric around zero, as few bits as it began with.</summary>
    public (double Least, double Greatest) Limits()
    {
        OnnxTensor integers = Integers.Tensor!;
        if (IsWide)
            return (-2147483520, 2147483520); // the last float before 2^31
        (double least, double greatest) = Operators.Quantization.Range(integers.Type);
        if (ZeroPoint != 0 || least == 0)
            return (least, greatest); // not symmetric
        long largest = integers.ToInt64s().Select(Math.Abs).DefaultIfEmpty().Max();
        int bits = 2;
        while ((1L << (bits - 1)) - 1 < largest && bits < integers.Type.Bits())
            bits++;
        double limit = (1L << (bits - 1)) - 1;
        return (Math.Max(least, -limit), Math.Min(greatest, limit));
    }

    /// <summary>The shape of a scale that multiplies the constant.</summary>
    public long[] ScaleShape() => Axis is { } axis ? [.. Enumerable.Range(0, Integers.Tensor!.Rank).Select(i => i == axis ? Integers.Tensor.Shape[i] : 1)] : [];
}
