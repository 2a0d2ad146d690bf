using Tersor.Onnx;

namespace Tersor.Compression.Quantization.Placement;

/// <summary>A value between units: what converting it costs when the sides that make and read it differ.</summary>
/// <param name="Value">The value.</param>
/// <param name="Producer">The unit that makes it; null when something else does, in float.</param>
/// <param name="Readers">Units that read it.</param>
/// <param name="HasFloatReader">Whether something else reads it too, in float.</param>
/// <param name="QuantizeCost">ns to make 8-bit values of it: paid once when it is made in float and any reader runs in 8 bits.</param>
/// <param name="DequantizeCost">ns to make floats of it: paid once when it is made in 8 bits and any reader runs in float. 0 where the producer gives floats at no cost.</param>
public sealed record BoundaryValue(Value Value, QuantizationUnit? Producer, IReadOnlyList<QuantizationUnit> Readers, bool HasFloatReader, double QuantizeCost, double DequantizeCost);

/// <summary>Which units of one graph could run in 8 bits, and what every choice costs: kernels by the side they run on, values by the conversions between the sides.</summary>
/// <param name="Units">Units, in graph order.</param>
/// <param name="Values">Every value that a unit makes or reads.</param>
public sealed record PlacementProblem(IReadOnlyList<QuantizationUnit> Units, IReadOnlyList<BoundaryValue> Values)
{
    /// <summary>Estimated ns of a run when exactly <paramref name="quantized"/> run in 8 bits.</summary>
    public double Cost(IReadOnlySet<QuantizationUnit> quantized) => Units.Sum(u => quantized.Contains(u) ? u.QuantizedCost : u.FloatCost)
        + Values.Sum(v => v.Producer is not null && quantized.Contains(v.Producer)
            ? v.HasFloatReader || v.Readers.Any(r => !quantized.Contains(r)) ? v.DequantizeCost : 0
            : v.Readers.Any(quantized.Contains) ? v.QuantizeCost : 0);

    /// <summary>The cheapest choice. It is a minimum cut: every unit is on one of two sides, and a value between the sides costs one conversion however many read it.</summary>
    public IReadOnlySet<QuantizationUnit> Solve()
    {
        MinimumCut network = new();
        int source = network.AddVertex(), sink = network.AddVertex(); // the source's side runs in 8 bits
        Dictionary<QuantizationUnit, int> vertices = Units.ToDictionary(u => u, _ => network.AddVertex());
        foreach (QuantizationUnit unit in Units)
        {
            network.AddEdge(source, vertices[unit], unit.FloatCost);
            network.AddEdge(vertices[unit], sink, unit.QuantizedCost);
        }
        foreach (BoundaryValue value in Values)
        {
            int producer = value.Producer is null ? sink : vertices[value.Producer];
            int[] readers = [.. value.Readers.Select(r => vertices[r]), .. value.HasFloatReader ? [sink] : Array.Empty<int>()];
            if (producer != sink)
            {
                int dequantize = network.AddVertex();
                network.AddEdge(producer, dequantize, value.DequantizeCost);
                foreach (int reader in readers)
                    network.AddEdge(dequantize, reader, double.PositiveInfinity);
            }
            int quantize = network.AddVertex();
            foreach (int reader in readers.Where(r => r != sink))
                network.AddEdge(reader, quantize, double.PositiveInfinity);
            network.AddEdge(quantize, producer, value.QuantizeCost);
        }
        bool[] sides = network.Solve(source, sink);
        return Units.Where(u => sides[vertices[u]]).ToHashSet();
    }
}
