using Tersor.Onnx;
using Attribute = Tersor.Onnx.Attribute;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Whether two nodes' attributes say the same. Floats and tensors compare by bits. Bodies never count as equal.</summary>
internal static class AttributeEquality
{
    public static bool Same(Node a, Node b)
    {
        if (a.Attributes.Count != b.Attributes.Count)
            return false;
        foreach ((string name, Attribute value) in a.Attributes)
        {
            if (!b.Attributes.TryGetValue(name, out Attribute? other) || !Same(value, other))
                return false;
        }
        return true;
    }

    private static bool Same(Attribute a, Attribute b) => (a, b) switch
    {
        (Attribute.Float x, Attribute.Float y) => BitConverter.SingleToInt32Bits(x.Value) == BitConverter.SingleToInt32Bits(y.Value),
        (Attribute.Int x, Attribute.Int y) => x.Value == y.Value,
        (Attribute.String x, Attribute.String y) => x.Bytes.Span.SequenceEqual(y.Bytes.Span),
        (Attribute.TensorValue x, Attribute.TensorValue y) => x.Value.ContentEquals(y.Value),
        (Attribute.Floats x, Attribute.Floats y) => x.Values.Select(BitConverter.SingleToInt32Bits).SequenceEqual(y.Values.Select(BitConverter.SingleToInt32Bits)),
        (Attribute.Ints x, Attribute.Ints y) => x.Values.SequenceEqual(y.Values),
        (Attribute.Strings x, Attribute.Strings y) => x.Values.Length == y.Values.Length && x.Values.Zip(y.Values).All(p => p.First.Span.SequenceEqual(p.Second.Span)),
        (Attribute.TypeValue x, Attribute.TypeValue y) => x.Value == y.Value,
        (Attribute.Reference x, Attribute.Reference y) => x.Name == y.Name && x.Kind == y.Kind,
        _ => false,
    };
}
