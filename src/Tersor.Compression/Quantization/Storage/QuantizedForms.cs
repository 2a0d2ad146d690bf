using Tersor.Onnx;

namespace Tersor.Compression.Quantization.Storage;

/// <summary>Integer weights a model holds already, for 8-bit layers: a float layer that reads the same weight can be given them too, so that it is stored once.</summary>
/// <remarks>They may be rounded otherwise than to the nearest, and lie the other way round: a table whose rows are the classes of the last layer is [N, K] to one reader and [K, N] to the other.</remarks>
internal sealed class QuantizedForms
{
    private readonly List<(Value Integers, StoredWeight Form)> forms = [];

    /// <summary>Looks for weights behind DequantizeLinear, and in MatMulInteger.</summary>
    public QuantizedForms(Model model)
    {
        foreach (Node node in model.Graph.WithNested().SelectMany(g => g.Nodes))
        {
            if (node.Is("DequantizeLinear"))
                AddDequantized(node);
            else if (node.Is("MatMulInteger") && node.Input(1) is { Constant: { Type: ElementType.Int8, Rank: 2 } integers } value && ProductScales(node) is { } scales && scales.Length == integers.Shape[1])
                forms.Add((value, new(integers, scales, 1)));
        }
    }

    /// <summary>Integers that are a rounding of the weight and can be read where it is read; null when there are none.</summary>
    public (Value Integers, StoredWeight Form, bool IsTransposed)? Of(Value weight)
    {
        foreach ((Value integers, StoredWeight form) in forms)
        {
            if (!IsVisible(integers.Graph, weight.Graph) || !integers.Constraints.SequenceEqual(weight.Constraints))
                continue;
            if (Fits(form, weight.Tensor!))
                return (integers, form, false);
            if (weight.Tensor!.Rank == 2 && form.Integers.Rank == 2 && weight.Constraints.All(c => c is Constraint.Mask) && form.Transposed() is var turned && Fits(turned, weight.Tensor))
                return (integers, turned, true);
        }
        return null;
    }

    private static bool Fits(StoredWeight form, Tensor weight) => form.Integers.Shape.AsSpan().SequenceEqual(weight.Shape.AsSpan()) && form.IsRoundingOf(weight);

    private void AddDequantized(Node node)
    {
        // Packed integers become 8-bit ones first.
        Value? integers = node.Input(0) is { Producer: { } cast } && cast.Is("Cast") ? cast.Input(0) : node.Input(0);
        if (integers?.Constant is not { Rank: >= 2 } tensor || tensor.Type is not (ElementType.Int8 or ElementType.Int4 or ElementType.Int2))
            return;
        if (node.Input(1)?.Constant is not { Type: ElementType.Float32 } scales || (node.Input(2)?.Constant is { } zeros && (zeros.Type.IsFloat() || zeros.ToInt64s().Any(z => z != 0))))
            return;
        long axis = node.Int("axis", 1);
        axis = axis < 0 ? axis + tensor.Rank : axis;
        bool fits = scales.Length == 1 || (scales.Rank == 1 && axis >= 0 && axis < tensor.Rank && tensor.Shape[(int)axis] == scales.Length); // not so: in blocks
        if (fits)
            forms.Add((integers, new(Unpacked(tensor), scales.ToFloats(), scales.Length == 1 ? null : (int)axis)));
    }

    /// <summary>The scales of the weight of a product in integers: sums → Cast → Mul(scale of the input · scales of the weight).</summary>
    private static float[]? ProductScales(Node product) =>
        Reader(product, "Cast") is { } cast && Reader(cast, "Mul") is { } mul && mul.Inputs.Select(i => i?.Producer).FirstOrDefault(p => p is not null && p.Is("Mul")) is { } scale
            ? scale.Inputs.Select(i => i?.Constant).FirstOrDefault(c => c is { Type: ElementType.Float32, Rank: 1 })?.ToFloats() : null;

    private static Node? Reader(Node node, string opType) => node.Outputs[0]!.Uses is [{ Node: var reader }] && reader.Is(opType) ? reader : null;

    private static Tensor Unpacked(Tensor tensor) => tensor.Type == ElementType.Int8 ? tensor
        : Tensor.Create(tensor.Shape.AsSpan(), Array.ConvertAll(tensor.ToInt64s(), q => (sbyte)q));

    private static bool IsVisible(Graph from, Graph reader)
    {
        for (Graph? graph = reader; graph is not null; graph = graph.Parent)
        {
            if (ReferenceEquals(graph, from))
                return true;
        }
        return false;
    }
}
