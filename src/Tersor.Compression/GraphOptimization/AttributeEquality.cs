using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Whether two nodes' attributes say the same. Floats and tensors compare by bits. Bodies never count as equal.</summary>
internal static class AttributeEquality
{
    public static bool Same(Node a, Node b)
    {
        if (a.Attributes.Count != b.Attributes.Count)
            return false;
        foreach ((string name, NodeAttribute value) in a.Attributes)
        {
            if (!b.Attributes.TryGetValue(name, out NodeAttribute? other) || !Same(value, other))
                return false;
        }
        return true;
    }

    private static bool Same(NodeAttribute a, NodeAttribute b) => (a, b) switch
    {
        (NodeAttribute.Float x, NodeAttribute.Float y) => BitConverter.SingleToInt32Bits(x.Value) == BitConverter.SingleToInt32Bits(y.Value),
        (NodeAttribute.Int x, NodeAttribute.Int y) => x.Value == y.Value,
        (NodeAttribute.String x, NodeAttribute.String y) => x.Bytes.Span.SequenceEqual(y.Bytes.Span),
        (NodeAttribute.TensorValue x, NodeAttribute.TensorValue y) => x.Value.ContentEquals(y.Value),
        (NodeAttribute.Floats x, NodeAttribute.Floats y) => x.Values.Select(BitConverter.SingleToInt32Bits).SequenceEqual(y.Values.Select(BitConverter.SingleToInt32Bits)),
        (NodeAttribute.Ints x, NodeAttribute.Ints y) => x.Values.SequenceEqual(y.Values),
        (NodeAttribute.Strings x, NodeAttribute.Strings y) => x.Values.Length == y.Values.Length && x.Values.Zip(y.Values).All(p => p.First.Span.SequenceEqual(p.Second.Span)),
        (NodeAttribute.TypeValue x, NodeAttribute.TypeValue y) => x.Value == y.Value,
        (NodeAttribute.Reference x, NodeAttribute.Reference y) => x.Name == y.Name && x.Kind == y.Kind,
        _ => false,
    };
}
