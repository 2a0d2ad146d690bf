using Tersor.Compression.Quantization.Emission;
using Tersor.Onnx;
using Attribute = Tersor.Onnx.Attribute;

namespace Tersor.Compression.Quantization;

/// <summary>Stores weights as symmetric int8, one scale an output channel, and computes in float as before: a smaller file, not a faster model.</summary>
/// <remarks>int8 → Cast → Mul(scale), which engines fold when they load the model. Data-free. Source: Krishnamoorthi 2018, arXiv:1806.08342, sections 2.2 and 2.6.</remarks>
public sealed class QuantizeWeightsPass(QuantizeWeightsOptions options) : Pass
{
    /// <inheritdoc/>
    public override string Name => "quantize-weights";

    /// <inheritdoc/>
    public override PassEffect Effect => PassEffect.Lossy;

    /// <inheritdoc/>
    protected override PassReport Apply(Model model, PassContext context)
    {
        PassReport report = new();
        foreach (IGrouping<Value, WeightUse> weight in model.Weights().Where(IsCandidate).GroupBy(u => u.Value))
        {
            context.Cancellation.ThrowIfCancellationRequested();
            if (Reason(weight.Key, [.. weight]) is { } reason)
                report.Skip(weight.Key.Name, reason);
            else
                report.Changed(weight.Key.Name, $"stored as int8 for {Store(weight.Key, [.. weight])}");
        }
        model.RemoveUnusedInitializers();
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
            : weight.Length < options.MinElements ? $"{weight.Length} elements, fewer than {options.MinElements}"
            : !WeightQuantizer.IsFinite(weight) ? "it is not finite"
            : WeightConstraints.Reason(value) is { } constrained ? constrained
            : uses.Select(u => options.KeepFloat(u.Node)).FirstOrDefault(r => r is not null);
    }

    /// <summary>Replaces the constant; says what reads it.</summary>
    private static string Store(Value value, WeightUse[] uses)
    {
        Tensor weight = value.Tensor!;
        // Users that disagree about the channels, or do not know them, share one scale.
        int? axis = uses.Select(u => u.OutputChannelAxis).Distinct().ToArray() is [{ } only] ? only : null;
        float[] scales = WeightQuantizer.Scales(axis is null ? weight.Reshape(1, weight.Length) : weight, axis ?? 0);
        Tensor integers = WeightQuantizer.Quantize(axis is null ? weight.Reshape(1, weight.Length) : weight, axis ?? 0, scales).Reshape(weight.Shape.AsSpan());
        long[] shape = [.. weight.Shape.Select((_, i) => i == axis ? scales.Length : 1L)];

        Graph graph = value.Graph;
        Node? position = value.Producer?.Next ?? graph.Nodes.FirstOrDefault();
        Value stored = graph.AddInitializer($"{value.Name}_quantized", integers);
        WeightConstraints.Pass(value, stored);
        Value scale = graph.AddInitializer($"{value.Name}_scale", Tensor.Create(shape, scales));
        Value cast = graph.InsertBefore(position, "Cast", [stored], [$"{value.Name}_cast"], [new("to", (Attribute)(long)ElementType.Float32)]).Outputs[0]!;
        Value restored = graph.InsertBefore(position, "Mul", [cast, scale], [$"{value.Name}_restored"]).Outputs[0]!;
        value.ReplaceAllUsesWith(restored);
        return string.Join(", ", uses.Select(u => u.Node.ToString()).Distinct());
    }
}
