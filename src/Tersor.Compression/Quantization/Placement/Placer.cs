using Tersor.Onnx;

namespace Tersor.Compression.Quantization.Placement;

/// <summary>Chooses what runs in 8 bits so that kernels and the conversions between float and 8 bits together cost least.</summary>
/// <remarks>Every unit is on one of two sides, a unit's cost depends on its side, and a value between the sides costs one conversion however many read it.
/// That is a minimum cut, and it is solved exactly, over all connected regions at once.</remarks>
/// <param name="rules">What the engine fuses and what it costs.</param>
/// <param name="typeOf">Type and, as far as known, shape of a value.</param>
public sealed class Placer(EngineRules rules, Func<Value, OnnxType?> typeOf)
{
    /// <summary>Places all graphs of the model, bodies included.</summary>
    /// <param name="model">The model; not modified.</param>
    /// <param name="keepFloat">Whether a node must stay float, by choice of the user or of a measurement: a reason, or null when it may be quantized.</param>
    public QuantizationPlacement Place(Model model, Func<Node, string?> keepFloat)
    {
        List<QuantizationUnit> quantized = [];
        List<PassSkip> skipped = [];
        foreach (Graph graph in model.Graph.WithNested())
        {
            UnitFinder finder = new(rules, typeOf);
            (List<QuantizationUnit> units, List<PassSkip> ineligible) = finder.Find(graph);
            skipped.AddRange(ineligible);
            List<QuantizationUnit> free = [];
            foreach (QuantizationUnit unit in units)
            {
                if (keepFloat(unit.Anchor) is { } reason)
                    skipped.Add(new(unit.Anchor.ToString(), reason));
                else
                    free.Add(unit);
            }
            HashSet<QuantizationUnit> chosen = Cut(free, finder);
            quantized.AddRange(free.Where(chosen.Contains));
            skipped.AddRange(free.Where(u => u.Rule.Kind == RuleKind.Weighted && !chosen.Contains(u))
                .Select(u => new PassSkip(u.Anchor.ToString(), "converting its values would cost more than the 8-bit kernel saves")));
        }
        return new(quantized, skipped);
    }

    private HashSet<QuantizationUnit> Cut(List<QuantizationUnit> units, UnitFinder finder)
    {
        MinimumCut network = new();
        int source = network.AddVertex(), sink = network.AddVertex(); // the source's side runs in 8 bits
        Dictionary<QuantizationUnit, int> vertices = units.ToDictionary(u => u, _ => network.AddVertex());
        Dictionary<Node, QuantizationUnit> owners = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Node>);
        Dictionary<Value, QuantizationUnit> producers = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);
        foreach (QuantizationUnit unit in units)
        {
            network.AddEdge(source, vertices[unit], unit.FloatCost);
            network.AddEdge(vertices[unit], sink, unit.QuantizedCost);
            owners[unit.Anchor] = unit;
            foreach (Value output in unit.Outputs)
                producers[output] = unit;
        }
        IEnumerable<Value> values = units.SelectMany(u => u.Inputs.Concat(u.Outputs)).Distinct();
        foreach (Value value in values)
        {
            int producer = producers.TryGetValue(value, out QuantizationUnit? maker) ? vertices[maker] : sink;
            HashSet<int> readers = [];
            if (value.IsGraphOutput)
                readers.Add(sink);
            foreach (Use use in value.Uses)
                readers.Add(owners.TryGetValue(use.Node, out QuantizationUnit? reader) && reader.Inputs.Contains(value) ? vertices[reader] : sink);
            double elements = finder.Elements(value);
            if (producer != sink)
            {
                int dequantize = network.AddVertex();
                network.AddEdge(producer, dequantize, maker!.GivesFloat ? 0 : rules.DequantizeCost * elements);
                foreach (int reader in readers)
                    network.AddEdge(dequantize, reader, double.PositiveInfinity);
            }
            int quantize = network.AddVertex();
            foreach (int reader in readers.Where(r => r != sink))
                network.AddEdge(reader, quantize, double.PositiveInfinity);
            network.AddEdge(quantize, producer, rules.QuantizeCost * elements);
        }
        bool[] sides = network.Solve(source, sink);
        return [.. units.Where(u => sides[vertices[u]])];
    }
}
