using Tersor.Onnx;

namespace Tersor.Compression.Quantization.Placement;

/// <summary>Chooses what runs in 8 bits so that kernels and the conversions between float and 8 bits together cost least.</summary>
/// <param name="rules">What the engine fuses and what it costs.</param>
/// <param name="typeOf">Type and, as far as known, shape of a value.</param>
public sealed class Placer(EngineRules rules, Func<Value, OnnxType?> typeOf)
{
    /// <summary>Costs of units that were measured, ns a run in float and in 8 bits; null where the table is to be asked. Default: nothing was measured.</summary>
    public Func<QuantizationUnit, (double Float, double Quantized)?> Measured { get; init; } = _ => null;

    /// <summary>How much dearer layers are held to be in float than they are: 1 chooses the cheapest placement by the costs known, more keeps more layers in 8 bits,
    /// positive infinity all of them. Costs are not exact, so that placements around the cheapest are worth measuring. Default 1.</summary>
    public double Eagerness { get; init; } = 1;

    /// <summary>Places all graphs of the model, bodies included.</summary>
    /// <param name="model">The model; not modified.</param>
    /// <param name="keepFloat">Whether a node must stay float, by choice of the user or of a measurement: a reason, or null when it may be quantized.</param>
    public QuantizationPlacement Place(Model model, Func<Node, string?> keepFloat)
    {
        List<QuantizationUnit> quantized = [];
        List<PassSkip> skipped = [];
        foreach (Graph graph in model.Graph.WithNested())
        {
            PlacementProblem problem = Problem(graph, keepFloat, skipped);
            IReadOnlySet<QuantizationUnit> chosen = problem.Solve();
            quantized.AddRange(problem.Units.Where(chosen.Contains));
            skipped.AddRange(problem.Units.Where(u => u.IsLayer && !chosen.Contains(u))
                .Select(u => new PassSkip(u.Anchor.ToString(), "converting its values would cost more than the 8-bit kernel saves")));
        }
        return new(quantized, skipped);
    }

    /// <summary>Everything that has an 8-bit form, whatever it costs.</summary>
    /// <param name="model">The model; not modified.</param>
    /// <param name="keepFloat">Whether a node must stay float: a reason, or null.</param>
    public QuantizationPlacement Everything(Model model, Func<Node, string?> keepFloat)
    {
        List<PassSkip> skipped = [];
        return new([.. model.Graph.WithNested().SelectMany(g => Problem(g, keepFloat, skipped).Units)], skipped);
    }

    /// <summary>The choice in one graph, bodies not included.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="keepFloat">Whether a node must stay float: a reason, or null.</param>
    /// <param name="skipped">Takes what has no 8-bit form although its operator has, and what is kept float, with the reasons.</param>
    public PlacementProblem Problem(Graph graph, Func<Node, string?> keepFloat, ICollection<PassSkip> skipped)
    {
        UnitFinder finder = new(rules, typeOf);
        (List<QuantizationUnit> units, List<PassSkip> ineligible) = finder.Find(graph);
        foreach (PassSkip skip in ineligible)
            skipped.Add(skip);
        List<QuantizationUnit> free = [];
        foreach (QuantizationUnit unit in units)
        {
            if (keepFloat(unit.Anchor) is { } reason)
                skipped.Add(new(unit.Anchor.ToString(), reason));
            else
                free.Add(Costed(unit));
        }
        Dictionary<Node, QuantizationUnit> owners = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Node>);
        Dictionary<Value, QuantizationUnit> producers = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);
        foreach (QuantizationUnit unit in free)
        {
            owners[unit.Anchor] = unit;
            foreach (Value output in unit.Rule.Kind == RuleKind.RunTime ? [] : unit.Outputs)
                producers[output] = unit;
        }
        List<BoundaryValue> values = [];
        foreach (Value value in free.Where(u => u.Rule.Kind != RuleKind.RunTime).SelectMany(u => u.Inputs.Concat(u.Outputs)).Distinct())
        {
            QuantizationUnit? producer = producers.GetValueOrDefault(value);
            HashSet<QuantizationUnit> readers = [];
            bool floatReader = value.IsGraphOutput;
            foreach (Use use in value.Uses)
            {
                if (owners.TryGetValue(use.Node, out QuantizationUnit? reader) && reader.Inputs.Contains(value))
                    readers.Add(reader);
                else
                    floatReader = true;
            }
            double elements = finder.Elements(value), barrier = value.Producer is { } made && EngineFusions.MayFuse(made) ? rules.BarrierCost : 0;
            values.Add(new(value, producer, [.. readers], floatReader, rules.KernelCost + barrier + rules.QuantizeCost * elements, producer?.GivesFloat == true ? 0 : rules.KernelCost + rules.DequantizeCost * elements));
        }
        return new(free, values);
    }

    private QuantizationUnit Costed(QuantizationUnit unit)
    {
        (double inFloat, double quantized) = Measured(unit) ?? (unit.FloatCost, unit.QuantizedCost);
        return unit.Costing(unit.IsLayer ? inFloat * Eagerness : inFloat, quantized);
    }
}
