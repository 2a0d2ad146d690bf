using Tersor.Onnx;

namespace Tersor.Compression.Quantization.Placement;

/// <summary>Which parts of a model run in 8 bits: the decision, before any number is known.</summary>
public sealed class QuantizationPlacement
{
    private readonly Dictionary<Value, QuantizationUnit> producers = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);
    private readonly Dictionary<Node, QuantizationUnit> owners = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Node>);

    internal QuantizationPlacement(IReadOnlyList<QuantizationUnit> units, IReadOnlyList<PassSkip> skipped)
    {
        (Units, Skipped) = (units, skipped);
        foreach (QuantizationUnit unit in units)
        {
            owners[unit.Anchor] = unit;
            foreach (Value output in unit.Rule.Kind == RuleKind.RunTime ? [] : unit.Outputs)
                producers[output] = unit;
        }
    }

    /// <summary>What runs in 8 bits, in graph order.</summary>
    public IReadOnlyList<QuantizationUnit> Units { get; }

    /// <summary>What could have, with the reason why it does not.</summary>
    public IReadOnlyList<PassSkip> Skipped { get; }

    /// <summary>The unit that makes a value, when it runs in 8 bits; else null.</summary>
    public QuantizationUnit? ProducerOf(Value value) => producers.GetValueOrDefault(value);

    /// <summary>Whether a node runs in 8 bits.</summary>
    public bool Quantizes(Node node) => owners.ContainsKey(node);

    /// <summary>The unit a node is the anchor of, when it runs in 8 bits; else null.</summary>
    internal QuantizationUnit? UnitOf(Node node) => owners.GetValueOrDefault(node);

    /// <summary>Values whose ranges must be observed: what quantized units read and give, each once, in graph order.</summary>
    public IReadOnlyList<Value> Activations()
    {
        HashSet<Value> seen = new(ReferenceEqualityComparer.Instance);
        List<Value> values = [];
        foreach (QuantizationUnit unit in Units)
        {
            foreach (Value value in unit.Inputs.Concat(NeedsQuantizedOutput(unit) ? unit.Outputs : []))
            {
                if (seen.Add(value))
                    values.Add(value);
            }
        }
        return values;
    }

    /// <summary>The same placement on a copy of the model.</summary>
    /// <param name="copies">Which value of the copy stands for which of this placement's model.</param>
    public QuantizationPlacement On(IReadOnlyDictionary<Value, Value> copies) => new([.. Units.Select(u => u.On(copies))], Skipped);

    /// <summary>A placement of some of these units only, whatever that costs.</summary>
    /// <param name="keep">Which ones.</param>
    /// <param name="reason">Why a layer with weights that is not among them stays float; null to say nothing.</param>
    public QuantizationPlacement Only(Func<QuantizationUnit, bool> keep, Func<QuantizationUnit, string>? reason = null) => new([.. Units.Where(keep)],
        reason is null ? Skipped : [.. Skipped, .. Units.Where(u => u.IsLayer && !keep(u)).Select(u => new PassSkip(u.Anchor.ToString(), reason(u)))]);

    /// <summary>The same placement with other reasons for what it leaves out.</summary>
    public QuantizationPlacement Saying(IReadOnlyList<PassSkip> skipped) => new(Units, skipped);

    /// <summary>Regions that stay in 8 bits: units connected by values that do, in graph order.</summary>
    public IReadOnlyList<IReadOnlyList<QuantizationUnit>> Regions()
    {
        List<List<QuantizationUnit>> regions = [];
        Dictionary<QuantizationUnit, List<QuantizationUnit>> regionOf = [];
        foreach (QuantizationUnit unit in Units)
        {
            List<QuantizationUnit>[] joined = [.. unit.Inputs.Select(ProducerOf).OfType<QuantizationUnit>().Where(NeedsQuantizedOutput).Select(p => regionOf[p]).Distinct()];
            List<QuantizationUnit> region = joined.Length > 0 ? joined[0] : [];
            if (joined.Length == 0)
                regions.Add(region);
            foreach (List<QuantizationUnit> other in joined.Skip(1))
            {
                region.AddRange(other);
                other.ForEach(u => regionOf[u] = region);
                regions.Remove(other);
            }
            region.Add(unit);
            regionOf[unit] = region;
        }
        return regions;
    }

    /// <summary>Products between float values: made 8-bit for themselves alone, so that their inputs may as well be quantized at run time.</summary>
    public IEnumerable<QuantizationUnit> Isolated() => Units.Where(u => u.Rule.Kind == RuleKind.RunTime || IsIsolated(u) && u.Inputs[0].Uses.All(use => UnitOf(use.Node) is not { } reader || IsIsolated(reader)));

    private bool IsIsolated(QuantizationUnit unit) => unit.GivesFloat && !NeedsQuantizedOutput(unit) && unit.Inputs is [var input] && ProducerOf(input) is null;

    /// <summary>False for a product whose readers all want float.</summary>
    internal bool NeedsQuantizedOutput(QuantizationUnit unit) => unit.Rule.Kind != RuleKind.RunTime && (!unit.GivesFloat || unit.Outputs.Any(o => o.Uses.Any(u => UnitOf(u.Node) is { Rule.Kind: not RuleKind.RunTime })));
}
