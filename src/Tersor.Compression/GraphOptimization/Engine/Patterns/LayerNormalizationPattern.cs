using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Layer normalization: d / √(mean(d²) + ε) · γ + β with d = x - mean(x) over the last dimensions.</summary>
/// <remarks>Source: Ba, Kiros and Hinton 2016, arXiv:1607.06450, section 3.</remarks>
internal static class LayerNormalizationPattern
{
    /// <summary>The first operator set with LayerNormalization.</summary>
    private const long Opset = 17;

    /// <summary>Elements of γ: a file may declare any size.</summary>
    private const double MaxSize = 1 << 24;

    /// <summary>x, the first normalized dimension and ε.</summary>
    private sealed record Core(Value X, int Axis, double Epsilon);

    /// <summary>A normalization with or without γ and β.</summary>
    public static IEnumerable<PatternMatch> LayerNormalization(Node root, TypeFacts types)
    {
        Value? beta = null, gamma = null;
        Node? node = root;
        if (node.Is("Add"))
            node = Constant(node, ref beta);
        if (node is not null && node.Is("Mul"))
            node = Constant(node, ref gamma) ?? (beta is null ? node : null);
        if (node is null || CoreOf(node, types) is not { } core || types.Fixed(core.X, core.Axis) is not { } size || size.Aggregate(1.0, (product, d) => product * d) is < 1 or > MaxSize || types.Rank(core.X) is not { } rank)
            yield break;
        Tensor? scale = gamma is null ? Filled(1, size) : Parameter(gamma, size, rank), shift = beta is null ? null : Parameter(beta, size, rank);
        if (scale is null || (beta is not null && shift is null))
            yield break;
        yield return new("LayerNormalization", root, core.X, Opset, 1, before =>
        {
            string name = before.Outputs[0]!.Name;
            Value weight = gamma?.Constant == scale ? gamma : Constants.Add(before, $"{name}/scale", scale);
            Value? bias = shift is null || beta?.Constant == shift ? beta : Constants.Add(before, $"{name}/shift", shift);
            return before.Put("LayerNormalization", bias is null ? [core.X, weight] : [core.X, weight, bias], ("axis", (long)(core.Axis - rank)), ("epsilon", (float)core.Epsilon));
        });
    }

    /// <summary>The node that makes the operand which is not constant.</summary>
    private static Node? Constant(Node node, ref Value? constant)
    {
        int index = node.Input(1)?.Constant is { Type: ElementType.Float32 } ? 1 : node.Input(0)?.Constant is { Type: ElementType.Float32 } ? 0 : -1;
        if (index < 0 || node.OpsetVersion < 7)
            return null;
        constant = node.Inputs[index];
        return node.Inputs[1 - index]?.Producer;
    }

    private static Core? CoreOf(Node node, TypeFacts types)
    {
        if (node.OpsetVersion < 7 || node.Input(0) is not { } left || node.Input(1) is not { } right)
            return null;
        if (node.Is("Div"))
            return Whole(left, Variance(right, 0.5, types), types);
        return node.Is("Mul") ? Whole(left, Inverse(right, types), types) ?? Whole(right, Inverse(left, types), types) : null;
    }

    /// <summary>What 1 / √(…) is taken of.</summary>
    private static Value? Inverse(Value value, TypeFacts types) => value.Producer is not { } node ? null
        : node.Is("Reciprocal") && node.Input(0) is { } root ? Variance(root, 0.5, types)
        : node.Is("Div") && Scalars.Of(node.Input(0), node.Input(1), types) == 1 ? Variance(node.Inputs[1]!, 0.5, types)
        : Variance(value, -0.5, types);

    /// <summary>What is raised to the power, when that is 1/2 or -1/2.</summary>
    private static Value? Variance(Value value, double power, TypeFacts types) => value.Producer is not { } node ? null
        : node.Is("Sqrt") && power == 0.5 ? node.Input(0)
        : node.Is("Pow") && Scalars.Of(node.Input(1), node.Input(0), types) == power ? node.Input(0)
        : null;

    private static Core? Whole(Value deviation, Value? shifted, TypeFacts types)
    {
        if (shifted?.Producer is not { } sum || Scalars.Line(sum, types) is not { A: 1, B: > 0 } variance || variance.Input.Producer is not { } mean
            || Centred(deviation) is not { } centred || Squared(mean.Input(0), types) is not { } squared || Centred(squared) is not { } again)
        {
            return null;
        }
        bool same = ReferenceEquals(centred.X, again.X) && Axis(centred.Mean, types) is { } axis && axis == Axis(again.Mean, types) && axis == Axis(mean, types);
        return same ? new(centred.X, Axis(mean, types)!.Value, variance.B) : null;
    }

    /// <summary>x and its mean where the value is x - mean(x).</summary>
    private static (Value X, Node Mean)? Centred(Value value) => value.Producer is { } sub && sub.Is("Sub") && sub.Input(0) is { } x && sub.Input(1)?.Producer is { } mean
        && mean.Is("ReduceMean") && ReferenceEquals(mean.Input(0), x) ? (x, mean) : null;

    private static Value? Squared(Value? value, TypeFacts types) => value?.Producer is not { } node ? null
        : node.Is("Pow") && Scalars.Of(node.Input(1), node.Input(0), types) == 2 ? node.Input(0)
        : node.Is("Mul") && ReferenceEquals(node.Input(0), node.Input(1)) ? node.Input(0)
        : null;

    /// <summary>The first of the dimensions a ReduceMean goes over, when those are the last ones and stay as 1.</summary>
    private static int? Axis(Node mean, TypeFacts types)
    {
        if (!mean.Is("ReduceMean") || mean.Int("keepdims", 1) != 1 || types.Rank(mean.Input(0)) is not { } rank || Constants.Integers(mean, "axes", 1) is not { Length: > 0 } axes)
            return null;
        long[] sorted = [.. axes.Select(a => a < 0 ? a + rank : a).Order()];
        return sorted.Select((a, i) => a == rank - sorted.Length + i).All(last => last) ? (int)sorted[0] : null;
    }

    /// <summary>γ or β in the shape of what is normalized; null when it has another.</summary>
    private static Tensor? Parameter(Value value, long[] size, int rank)
    {
        Tensor tensor = value.Constant!;
        if (tensor.Rank > rank)
            return null;
        if (tensor.Length == 1)
            return Filled(tensor.Span<float>()[0], size);
        int leading = Math.Max(0, tensor.Rank - size.Length);
        return tensor.Shape[..leading].Any(d => d != 1) || !tensor.Shape.AsSpan()[leading..].SequenceEqual(size) ? null : leading == 0 ? tensor : tensor.Reshape(size);
    }

    private static Tensor Filled(float value, long[] size) => Tensor.Create(size, [.. Enumerable.Repeat(value, checked((int)Tensor.ElementCount(size)))]);
}
