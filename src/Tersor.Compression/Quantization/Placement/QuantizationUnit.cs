using Tersor.Onnx;

namespace Tersor.Compression.Quantization.Placement;

/// <summary>What the engine runs as one 8-bit kernel, or leaves as one float kernel: a node, and an activation that vanishes into its result.</summary>
public sealed class QuantizationUnit
{
    internal QuantizationUnit(Node anchor, EngineRule rule)
    {
        (Anchor, Rule) = (anchor, rule);
    }

    /// <summary>The node that does the work.</summary>
    public Node Anchor { get; }

    /// <summary>A Relu or Clip right behind it that alone reads it, or null.</summary>
    public Node? Activation { get; internal init; }

    /// <summary>The engine's rule for the anchor.</summary>
    public EngineRule Rule { get; }

    /// <summary>Not null where the node computes a x + b with two numbers: the 8-bit values stay, and are read under another scale and zero point.</summary>
    internal ScalarAffine? Affine { get; init; }

    /// <summary>Activations it reads, each once.</summary>
    public required IReadOnlyList<Value> Inputs { get; init; }

    /// <summary>What it gives: the activation's result where there is one, else the anchor's.</summary>
    public IReadOnlyList<Value> Outputs => [.. (Activation ?? Anchor).Outputs.OfType<Value>()];

    /// <summary>True when its result may stay float at no cost: a product whose 32-bit sums are scaled to float at once.</summary>
    public bool GivesFloat { get; internal init; }

    /// <summary>Estimated ns a run in float.</summary>
    public double FloatCost { get; internal init; }

    /// <summary>Estimated ns a run in 8 bits.</summary>
    public double QuantizedCost { get; internal init; }

    /// <summary>The ends that the vanished activation, or the node itself, clips its result to; null where nothing is clipped.</summary>
    internal Clipping? Clipping { get; init; }

    /// <summary>The anchor's name, or its result's where it has none.</summary>
    public string Name => Anchor.Name.Length > 0 ? Anchor.Name : Anchor.Outputs[0]!.Name;

    /// <summary>What it is known by in plans and reports, in any copy of the model: the name of its anchor's first output.</summary>
    public string Key => Anchor.Outputs[0]!.Name;

    /// <summary>The same unit in a copy of the model.</summary>
    internal QuantizationUnit On(IReadOnlyDictionary<Value, Value> copies) => Copy(
        node => copies[node.Outputs.OfType<Value>().First()].Producer!, value => copies[value], FloatCost, QuantizedCost);

    /// <summary>The same unit at other costs, in ns a run.</summary>
    internal QuantizationUnit Costing(double floatCost, double quantizedCost) => Copy(node => node, value => value, floatCost, quantizedCost);

    private QuantizationUnit Copy(Func<Node, Node> node, Func<Value, Value> value, double floatCost, double quantizedCost) => new(node(Anchor), Rule)
    {
        Activation = Activation is null ? null : node(Activation),
        Affine = Affine is null ? null : Affine with { Input = value(Affine.Input) },
        Inputs = [.. Inputs.Select(value)],
        GivesFloat = GivesFloat,
        FloatCost = floatCost,
        QuantizedCost = quantizedCost,
        Clipping = Clipping,
    };
}
