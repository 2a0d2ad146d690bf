using Tersor.Compression.Quantization.Emission;
using Tersor.Compression.Quantization.Storage;
using Tersor.Onnx;

namespace Tersor.Compression.Quantization;

/// <summary>Stores weights as symmetric integers, one scale an output channel or a row of a table, and computes in float as before: a smaller file, not a faster model.</summary>
/// <remarks>integers → Cast → Mul(scale), which engines fold when they load the model. Data-free. Source: Krishnamoorthi 2018, arXiv:1806.08342, sections 2.2 and 2.6.</remarks>
public sealed class QuantizeWeightsPass(QuantizeWeightsOptions options) : Pass
{
    /// <inheritdoc/>
    public override string Name => "quantize-weights";

    /// <inheritdoc/>
    public override PassEffect Effect => PassEffect.Lossy;

    /// <inheritdoc/>
    public override IEnumerable<string> Problems(Model model, PassContext context)
    {
        foreach (string problem in options.Problems())
            yield return problem;
        if (model.Opset < options.RequiredOpset)
            yield return $"The model is written in opset {model.Opset}; {options.RequiredOpset} or more is needed. Raise it first.";
    }

    /// <inheritdoc/>
    protected override PassReport Apply(Model model, PassContext context)
    {
        PassReport report = new();
        QuantizedForms forms = new(model);
        foreach (IGrouping<Value, WeightUse> weight in model.Weights().Where(IsCandidate).GroupBy(u => u.Value))
        {
            context.Cancellation.ThrowIfCancellationRequested();
            if (Reason(weight.Key, [.. weight]) is { } reason)
                report.Skip(weight.Key.Name, reason);
            else
                report.Changed(weight.Key.Name, $"stored as int{options.Bits} for {Store(weight.Key, [.. weight], forms)}");
        }
        model.RemoveUnusedInitializers();
        SharedStorage.Merge(model);
        return report;
    }

    private static bool IsCandidate(WeightUse use) =>
        use.Value.Tensor?.Type.IsFloat() != false && use.Role is (WeightRole.Weight or WeightRole.RecurrentInputWeight or WeightRole.RecurrentStateWeight or WeightRole.EmbeddingTable);

    private string? Reason(Value value, WeightUse[] uses)
    {
        Tensor weight = value.Tensor!;
        return weight.Type != ElementType.Float32 ? $"it is {weight.Type}"
            : value.IsOverridable ? "a caller may override it"
            : value.IsGraphOutput ? "it is an output of its graph"
            : value.Graph.Function is not null ? "it stands in a function; inline functions first"
            : weight.Length < options.MinElements ? $"{Plural.Of(weight.Length, "element")}, fewer than {options.MinElements}"
            : !WeightQuantizer.IsFinite(weight) ? "it is not finite"
            : WeightConstraints.Reason(value) is { } constrained ? constrained
            : uses.Select(u => options.KeepFloat(u.Node)).FirstOrDefault(r => r is not null);
    }

    /// <summary>Replaces the constant; says what reads it.</summary>
    private string Store(Value value, WeightUse[] uses, QuantizedForms forms)
    {
        Graph graph = value.Graph;
        (Value integers, StoredWeight form, bool transposed) = forms.Of(value) ?? AddStored(value, uses);
        Node? position = value.Producer?.Next ?? graph.Nodes.FirstOrDefault();
        Value scale = graph.AddInitializer($"{value.Name}_scale", Tensor.Create(form.ScaleShape, form.Scales));
        Value cast = graph.InsertBefore(position, "Cast", [integers], [$"{value.Name}_cast"], [new("to", (NodeAttribute)(long)ElementType.Float32)]).Outputs[0]!;
        if (transposed)
            cast = graph.InsertBefore(position, "Transpose", [cast], [$"{value.Name}_transposed"], [new("perm", (NodeAttribute)new long[] { 1, 0 })]).Outputs[0]!;
        Value restored = graph.InsertBefore(position, "Mul", [cast, scale], [$"{value.Name}_restored"]).Outputs[0]!;
        value.ReplaceAllUsesWith(restored);
        return string.Join(", ", uses.Select(u => u.Node.ToString()).Distinct());
    }

    private (Value Integers, StoredWeight Form, bool IsTransposed) AddStored(Value value, WeightUse[] uses)
    {
        StoredWeight form = ScaleAxes.Choose(value.Tensor!, uses, options.Bits, options.Storage);
        Value integers = value.Graph.AddInitializer($"{value.Name}_quantized", WeightQuantizer.Packed(form.Integers, options.Storage));
        WeightConstraints.Pass(value, integers);
        return (integers, form, false);
    }
}
