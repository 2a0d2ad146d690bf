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

/// <summary>Everything a quantized model is written with apart from its placement, by names, so that it holds for any copy of the model.</summary>
internal sealed record QuantizationNumbers
{
    /// <summary>What numbers activations and weights become.</summary>
    public NumberFormat Format { get; init; } = new();

    /// <summary>The range of every activation, by the name of the value.</summary>
    public required IReadOnlyDictionary<string, ActivationRange> Ranges { get; init; }

    /// <summary>Weight scales chosen otherwise than by the largest magnitude, by layer.</summary>
    public IReadOnlyDictionary<string, float[]> WeightScales { get; init; } = new Dictionary<string, float[]>();

    /// <summary>Products that are quantized at run time instead, by their unit's key.</summary>
    public IReadOnlySet<string> Dynamic { get; init; } = new HashSet<string>();

    /// <summary>A quantized copy of a model.</summary>
    public Model Apply(Model model, QuantizationPlacement placement, out PassReport report)
    {
        Model copy = model.Clone(out IReadOnlyDictionary<Value, Value> copies);
        QuantizationPlacement @static = placement.Only(u => !Dynamic.Contains(u.Key)).On(copies);
        string[] names = [.. placement.Units.Select(u => u.Key).Where(Dynamic.Contains)];
        // By node: the static pass may put other values in the place of their results.
        HashSet<Node> products = [.. placement.Units.Where(u => Dynamic.Contains(u.Key)).Select(u => copies[u.Anchor.Outputs[0]!].Producer!)];
        report = new QuantizeStaticPass(@static, new() { RangeOf = v => (Ranges[v.Name].Low, Ranges[v.Name].High), Format = Format, WeightScales = WeightScales }).Run(copy, PassContext.None);
        if (names.Length > 0)
        {
            PassReport dynamic = new QuantizeDynamicPass(new() { MinElements = 0, KeepFloat = n => products.Contains(n) ? null : "" }).Run(copy, PassContext.None);
            foreach (PassChange change in dynamic.Changes)
                report.Changed(change.Subject, change.What);
        }
        return copy;
    }
}
