using Tersor.Onnx;

namespace Tersor.Compression.Quantization.Emission;

/// <summary>The nodes that make integers of an activation.</summary>
public static class ActivationRounding
{
    /// <summary>Inserts QuantizeLinear, and behind it a Clip where the type has fewer integers than the one that carries it.</summary>
    /// <remarks>The Clip stands behind the integers, not before them: there the engine still fuses a layer with its QuantizeLinear.</remarks>
    /// <param name="graph">Where.</param>
    /// <param name="position">The node they are put before; null: at the end.</param>
    /// <param name="value">Floating-point numbers.</param>
    /// <param name="scale">Their scale.</param>
    /// <param name="zeroPoint">Their zero point, of the type that carries <paramref name="type"/>.</param>
    /// <param name="type">What they are rounded to.</param>
    /// <param name="constant">Makes a constant that the graph can read, from what it holds and what it may be called.</param>
    /// <returns>The integers.</returns>
    public static Value Insert(Graph graph, Node? position, Value value, Value scale, Value zeroPoint, ElementType type, Func<Tensor, string, Value> constant)
    {
        Value integers = graph.InsertBefore(position, "QuantizeLinear", [value, scale, zeroPoint], [$"{value.Name}_quantized"]).Outputs[0]!;
        if (QuantizationParameters.Carrier(type) == type)
            return integers;
        (int least, int greatest) = QuantizationParameters.Integers(type);
        return graph.InsertBefore(position, "Clip", [integers, constant(Tensor.Scalar((byte)least), "least"), constant(Tensor.Scalar((byte)greatest), "greatest")], [$"{integers.Name}_clipped"]).Outputs[0]!;
    }
}
