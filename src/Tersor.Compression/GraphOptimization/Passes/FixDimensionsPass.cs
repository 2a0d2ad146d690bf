using System.Collections.Immutable;
using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Gives sizes to dimensions of the inputs that the file leaves open, so that shapes become static and what computes them can be folded.</summary>
/// <remarks>It changes the model's interface, on request: the result takes inputs of these sizes only.</remarks>
public sealed class FixDimensionsPass(FixDimensionsOptions options) : Pass
{
    /// <inheritdoc/>
    public override string Name => "fix-dimensions";

    /// <inheritdoc/>
    public override PassEffect Effect => PassEffect.Structural;

    /// <inheritdoc/>
    public override IEnumerable<string> Problems(Model model, PassContext context) => options.Problems(model);

    /// <inheritdoc/>
    protected override PassReport Apply(Model model, PassContext context)
    {
        PassReport report = new();
        Dictionary<string, long> sizes = options.Bindings(model).ToDictionary(b => b.Key, b => b.Value[0]);
        foreach (Value input in model.Graph.Inputs.Where(v => options.Shapes.ContainsKey(v.Name)))
        {
            OnnxType.Tensor type = input.Type!.AsTensor!;
            ImmutableArray<Dimension> shape = [.. options.Shapes[input.Name].Select((size, i) => new Dimension(size, null, type.Shape?[i].Denotation))];
            if (!type.Equals(type with { Shape = shape }))
                report.Changed(input.Name, $"{type} is now {type with { Shape = shape }}");
            input.Type = type with { Shape = shape };
        }
        foreach (Graph graph in model.Graph.WithNested())
        {
            foreach (Value value in graph.Inputs.Concat(graph.Outputs).Concat(graph.Nodes.SelectMany(n => n.Outputs).OfType<Value>()).Distinct())
                Fix(value, sizes, report);
        }
        foreach (Value input in model.Graph.Inputs.Where(v => !v.IsInitializer && v.Type?.AsTensor is { FixedShape: null }))
            report.Skip(input.Name, $"still {input.Type}");
        return report;
    }

    private static void Fix(Value value, Dictionary<string, long> sizes, PassReport report)
    {
        if (value.Type?.AsTensor is not { Shape: { } shape } type || !shape.Any(d => d.Symbol is { } symbol && sizes.ContainsKey(symbol)))
            return;
        OnnxType.Tensor changed = type with { Shape = [.. shape.Select(d => d.Symbol is { } symbol && sizes.TryGetValue(symbol, out long size) ? new Dimension(size, null, d.Denotation) : d)] };
        value.Type = changed;
        if (value.IsGraphInput || value.IsGraphOutput)
            report.Changed(value.Name, $"{type} is now {changed}");
    }
}
