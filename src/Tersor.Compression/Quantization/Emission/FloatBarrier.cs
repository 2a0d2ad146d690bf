using Tersor.Compression.Quantization.Placement;
using Tersor.Onnx;

namespace Tersor.Compression.Quantization.Emission;

/// <summary>Keeps the engine from giving nodes an 8-bit form that are to stay float.</summary>
/// <remarks>
/// Between such a node and the conversion beside it the shape is flattened and restored, which copies nothing: the engine moves conversions past Reshape but not past Flatten, and looks for its patterns
/// only right beside the node. Identity, Cast to the same type, products with 1 and the like are removed before that. Measured with ONNX Runtime 1.31 (EngineFusionsTests).
/// </remarks>
internal static class FloatBarrier
{
    /// <summary>Puts a barrier before every QuantizeLinear and behind every DequantizeLinear that would have a float node fused.</summary>
    /// <param name="conversions">The conversions that were inserted.</param>
    /// <param name="runsInIntegers">Whether a node is meant to be fused.</param>
    public static void Insert(IEnumerable<Node> conversions, Func<Node, bool> runsInIntegers)
    {
        foreach (Node conversion in conversions)
        {
            if (conversion.Is("QuantizeLinear"))
            {
                if (EngineFusions.Before(conversion) is { } before && !runsInIntegers(before))
                    BeforeQuantizer(conversion);
            }
            else if (conversion.Outputs[0]!.Uses.FirstOrDefault(u => !runsInIntegers(u.Node) && EngineFusions.FusesByInputs(u.Node)) is { Node: not null } use)
            {
                BehindDequantizer(conversion, use);
            }
        }
    }

    /// <summary>Flattens what is quantized, and gives the integers the shape back.</summary>
    private static void BeforeQuantizer(Node quantizer)
    {
        Graph graph = quantizer.Graph;
        Value value = quantizer.Inputs[0]!, integers = quantizer.Outputs[0]!;
        quantizer.SetInput(0, graph.InsertBefore(quantizer, "Flatten", [value], [$"{value.Name}_flat"]).Outputs[0]);
        Use[] readers = [.. integers.Uses];
        Value restored = Restore(integers, value, quantizer.Next);
        foreach (Use reader in readers)
            reader.Node.SetInput(reader.Index, restored);
    }

    private static void BehindDequantizer(Node dequantizer, Use reader)
    {
        Value value = dequantizer.Outputs[0]!;
        Value flat = dequantizer.Graph.InsertBefore(reader.Node, "Flatten", [value], [$"{value.Name}_flat"]).Outputs[0]!;
        reader.Node.SetInput(reader.Index, Restore(flat, value, reader.Node));
    }

    /// <summary>The elements of one value in the shape of another.</summary>
    private static Value Restore(Value flat, Value shaped, Node? position)
    {
        Graph graph = flat.Graph;
        Value shape = graph.InsertBefore(position, "Shape", [shaped], [$"{shaped.Name}_shape"]).Outputs[0]!;
        return graph.InsertBefore(position, "Reshape", [flat, shape], [$"{flat.Name}_restored"]).Outputs[0]!;
    }
}
