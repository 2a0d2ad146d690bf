using Tersor.Compression;
using Tersor.Compression.Quantization;
using Tersor.Compression.Quantization.Placement;
using Tersor.Onnx;

namespace Tersor.Pipeline.Quantization;

/// <summary>The range of an activation and where it comes from.</summary>
/// <param name="Low">Least value represented.</param>
/// <param name="High">Greatest value represented.</param>
/// <param name="Estimator">The estimator that gave it, in the words of the command line.</param>
public sealed record ActivationRange(double Low, double High, string Estimator);

/// <summary>A weight or bias that a repair changed, for the case that its layer runs in 8 bits.</summary>
/// <param name="Layer">The layer's key.</param>
/// <param name="Node">Name of the first output of the node that reads the constant: the layer itself, or the addition of its bias.</param>
/// <param name="Input">Which input of the node.</param>
/// <param name="Tensor">What it becomes.</param>
internal sealed record RepairedConstant(string Layer, string Node, int Input, Tensor Tensor);

/// <summary>Everything a quantized model is written with apart from its placement, by names, so that it holds for any copy of the model.</summary>
internal sealed record QuantizationNumbers
{
    /// <summary>What numbers activations and weights become.</summary>
    public NumberFormat Format { get; init; } = new();

    /// <summary>The range of every activation, by the name of the value.</summary>
    public required IReadOnlyDictionary<string, ActivationRange> Ranges { get; init; }

    /// <summary>Weight scales chosen otherwise than by the largest magnitude, by layer.</summary>
    public IReadOnlyDictionary<string, float[]> WeightScales { get; init; } = new Dictionary<string, float[]>();

    /// <summary>Weights and biases that repairs changed.</summary>
    public IReadOnlyList<RepairedConstant> Repaired { get; init; } = [];

    /// <summary>Products that are quantized at run time instead, by their unit's key.</summary>
    public IReadOnlySet<string> Dynamic { get; init; } = new HashSet<string>();

    /// <summary>Whether operators of ONNX Runtime's own are left out.</summary>
    public bool StandardOperatorsOnly { get; init; }

    /// <summary>A quantized copy of a model.</summary>
    /// <param name="model">Not modified.</param>
    /// <param name="placement">A placement of it.</param>
    /// <param name="report">What was quantized, and what was not and why.</param>
    public Model Apply(Model model, QuantizationPlacement placement, out PassReport report)
    {
        Model copy = model.Clone(out IReadOnlyDictionary<Value, Value> copies);
        Repair(copy, placement);
        QuantizationPlacement @static = placement.Only(u => !Dynamic.Contains(u.Key)).On(copies);
        // By node: the static pass may put other values in the place of their results.
        Dictionary<Node, string> products = placement.Units.Where(u => Dynamic.Contains(u.Key)).ToDictionary(u => copies[u.Anchor.Outputs[0]!].Producer!, u => u.Key);
        report = new QuantizeStaticPass(@static, new() { RangeOf = v => (Ranges[v.Name].Low, Ranges[v.Name].High), Format = Format, WeightScales = WeightScales }).Run(copy, PassContext.None);
        if (products.Count > 0)
        {
            QuantizeDynamicOptions options = new()
            {
                MinElements = 0,
                WeightLimit = Format.WeightLimit,
                StandardOperatorsOnly = StandardOperatorsOnly,
                KeepFloat = n => products.ContainsKey(n) ? null : "",
                ScalesOf = n => products.GetValueOrDefault(n) is { } key ? WeightScales.GetValueOrDefault(key) : null,
            };
            PassReport dynamic = new QuantizeDynamicPass(options).Run(copy, PassContext.None);
            foreach (PassChange change in dynamic.Changes)
                report.Changed(change.Subject, change.What);
        }
        return copy;
    }

    private void Repair(Model copy, QuantizationPlacement placement)
    {
        if (Repaired.Count == 0)
            return;
        HashSet<string> quantized = [.. placement.Units.Select(u => u.Key)];
        Dictionary<string, Node> nodes = copy.Graph.WithNested().SelectMany(g => g.Nodes).Where(n => n.Output(0) is not null).ToDictionary(n => n.Outputs[0]!.Name);
        foreach (RepairedConstant constant in Repaired.Where(c => quantized.Contains(c.Layer)))
        {
            Node node = nodes[constant.Node];
            node.SetInput(constant.Input, node.Graph.AddInitializer(node.Input(constant.Input)?.Name ?? $"{constant.Node}/bias", constant.Tensor));
        }
    }
}
