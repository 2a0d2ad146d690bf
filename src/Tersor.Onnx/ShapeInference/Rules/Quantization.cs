namespace Tersor.Onnx.Inference.Rules;

/// <summary>Operators between float and integer tensors.</summary>
internal static class Quantization
{
    public static void Quantize(NodeFacts n) => n.Set(0, n.Has(2) ? n.Element(2) : n.Int("output_dtype", 0) is var stated and not 0 ? (ElementType)stated : ElementType.UInt8, n.Shape(0));

    public static void Dequantize(NodeFacts n) => n.Set(0, n.Int("output_dtype", 0) is var stated and not 0 ? (ElementType)stated : n.Element(1), n.Shape(0));

    public static void DynamicQuantize(NodeFacts n)
    {
        n.Set(0, ElementType.UInt8, n.Shape(0));
        n.Set(1, ElementType.Float32, []);
        n.Set(2, ElementType.UInt8, []);
    }

    /// <summary>A, its scale and zero point, B, its scale and zero point.</summary>
    public static void QLinearBinary(NodeFacts n) => n.Set(0, n.Element(0), Dims.Broadcast(n.Shape(0), n.Shape(3)));

    /// <summary>Scale and zero point of the output, then tensor, scale and zero point of each input.</summary>
    public static void QLinearConcat(NodeFacts n)
    {
        Dimension[]? shape = Slices.Concatenated([.. Enumerable.Range(0, (n.InputCount - 2) / 3).Select(i => n.Shape(2 + 3 * i))], n.Int("axis", 0));
        n.Set(0, n.Element(1), shape);
    }
}
