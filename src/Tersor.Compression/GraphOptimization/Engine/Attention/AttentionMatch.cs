using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Attention found written out in small nodes: softmax(scale · Q Kᵀ + bias) V, head by head.</summary>
/// <param name="Root">The node that makes the result [B, S, heads · size].</param>
/// <param name="Query">Where Q comes from.</param>
/// <param name="Key">Where K comes from.</param>
/// <param name="Values">Where V comes from.</param>
/// <param name="Bias">What is added to the scores, or null.</param>
/// <param name="Scale">What the scores are multiplied with.</param>
/// <param name="Heads">Number of heads.</param>
/// <param name="Size">Features of a head of Q and K.</param>
/// <param name="ValueSize">Features of a head of V.</param>
/// <remarks>Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.2.</remarks>
internal sealed record AttentionMatch(Node Root, HeadSource Query, HeadSource Key, HeadSource Values, AttentionBias? Bias, double Scale, long Heads, long Size, long ValueSize)
{
    /// <summary>The first operator set whose Slice takes inputs, with every later one.</summary>
    private const long MinOpset = 10;

    private const int MaxTail = 4, MaxSteps = 16;

    /// <summary>The attention around a Softmax. <paramref name="reason"/> says why it is none although it looks like one; null where it does not even look so.</summary>
    public static AttentionMatch? Of(Node softmax, TypeFacts types, out string? reason)
    {
        reason = null;
        if (!softmax.Is("Softmax") || softmax.Input(0) is not { } scores || softmax.Output(0) is not { } weights || types.Rank(scores) is not 4
            || weights.Uses.FirstOrDefault(u => u.Index == 0 && u.Node.Is("MatMul")).Node is not { } product || product.Input(1) is not { Constant: null } values)
        {
            return null;
        }
        (double scale, Value? bias) = (1, null);
        Node? inner = scores.Producer;
        if (inner is not null && inner.Is("Add") && Scalars.Line(inner, types) is null && inner.Inputs.Count == 2)
        {
            int index = IsScores(inner.Inputs[0], types) ? 0 : IsScores(inner.Inputs[1], types) ? 1 : -1;
            bias = index < 0 ? null : inner.Inputs[1 - index];
            inner = index < 0 ? null : inner.Inputs[index]!.Producer;
        }
        List<Node> nodes = [softmax, product];
        if (bias is not null)
            nodes.Add(scores.Producer!);
        while (inner is not null && !inner.Is("MatMul") && Scalars.Line(inner, types) is { B: 0 } line)
        {
            nodes.Add(inner);
            (scale, inner) = (scale * line.A, line.Input.Producer);
        }
        if (inner is null || !inner.Is("MatMul") || inner.Inputs.Any(i => i is null or { Constant: not null }))
        {
            reason = "what it is taken of is no scaled product of queries and keys, with something added or not";
            return null;
        }
        nodes.Add(inner);
        reason = softmax.OpsetVersion < MinOpset ? $"is written for an operator set before {MinOpset}"
            : softmax.Int("axis", softmax.OpsetVersion >= 13 ? -1 : 1) is not (-1 or 3) ? "does not go over the last dimension"
            : nodes.Any(n => !ReferenceEquals(n.Graph, softmax.Graph)) ? "stands across graphs"
            : nodes.Any(n => !Rewire.HasOneReader(n.Outputs[0]!)) ? "its scores, weights or result have other readers"
            : types.Rank(inner.Outputs[0]) is not 4 ? "the shape of its scores is not known"
            : types.Element(scores) is not ElementType.Float32 ? $"computes in {types.Element(scores)?.ToString() ?? "an unknown type"}" : null;
        if (reason is not null)
            return null;
        HeadSource? q = HeadSource.Of(inner.Inputs[0]!, transposed: false, types), k = HeadSource.Of(inner.Inputs[1]!, transposed: true, types), v = HeadSource.Of(values, transposed: false, types);
        if (q is null || k is null || v is null)
        {
            reason = $"its {(q is null ? "queries" : k is null ? "keys" : "values")} are not known to be heads of a value [batch, length, features]";
            return null;
        }
        Dimension[] query = types.Shape(inner.Inputs[0])!, value = types.Shape(values)!;
        (long heads, long size, long valueSize, scale) = (query[1].Size!.Value, query[3].Size!.Value, value[3].Size!.Value, scale * q.Scale * k.Scale);
        Node? root = Tail(product, heads, valueSize, types);
        AttentionBias? added = null;
        reason = value[1].Size != heads || types.Shape(inner.Inputs[1])![1].Size != heads ? "queries, keys and values have other numbers of heads"
            : !SameBatch(q, k, types) || !SameBatch(q, v, types) ? "queries, keys and values are not known to be of one batch"
            : v.Scale != 1 ? "its values are scaled"
            : scale == 0 || !float.IsFinite((float)scale) ? "its scores are multiplied with 0"
            : root is null ? "its result is not put together to [batch, length, features]"
            : bias is not null && (added = AttentionBias.Of(bias, types.Shape(inner.Outputs[0])!, types)) is null ? $"what is added to its scores ('{bias.Name}') is not known to be of their shape"
            : null;
        return reason is null ? new(root!, q, k, v, added, scale, heads, size, valueSize) : null;
    }

    /// <summary>Writes the operator before the root, and gives its result.</summary>
    public Value Emit()
    {
        Graph outermost = Constants.Outermost(Root.Graph);
        (outermost.Function?.OpsetImports ?? outermost.Model.OpsetImports).TryAdd("com.microsoft", 1);
        Value[] inputs = Split() ?? [Part(Query, Heads * Size), Part(Key, Heads * Size), Part(Values, Heads * ValueSize)];
        Value?[] all = Bias is null ? [.. inputs] : [.. inputs, null, null, Bias.Emit(Root)];
        return Root.Graph.InsertBefore(Root, "MultiHeadAttention", all, [Root.Outputs[0]!.Name], [new("num_heads", Heads), new("scale", (float)Scale)], domain: "com.microsoft").Outputs[0]!;
    }

    private static bool IsScores(Value? value, TypeFacts types)
    {
        int steps = 0;
        while (steps < MaxSteps && value?.Producer is { } node && Scalars.Line(node, types) is { B: 0 } line)
            (value, steps) = (line.Input, steps + 1);
        return value?.Producer is { } product && product.Is("MatMul") && product.Inputs.All(i => i is { Constant: null });
    }

    private static bool SameBatch(HeadSource a, HeadSource b, TypeFacts types) => ReferenceEquals(a.Value, b.Value) || TypeFacts.Same(types.Shape(a.Value)![0], types.Shape(b.Value)![0]);

    /// <summary>The node that has put the heads of the product [B, heads, S, size] side by side again.</summary>
    private static Node? Tail(Node product, long heads, long size, TypeFacts types)
    {
        if (types.Shape(product.Outputs[0]) is not { Length: 4 } shape)
            return null;
        List<Value> path = [];
        Value value = product.Outputs[0]!;
        while (path.Count < MaxTail && Rewire.HasOneReader(value) && value.Uses[0] is { Index: 0, Node: var node } && ChannelPermutation.Moves(node) && ReferenceEquals(node.Graph, product.Graph))
        {
            path.Add(value = node.Outputs[0]!);
            if (types.Rank(value) == 3 && IsJoined(path, shape, heads, size, types))
                return node;
        }
        return null;
    }

    private static bool IsJoined(List<Value> path, Dimension[] shape, long heads, long size, TypeFacts types)
    {
        foreach ((long batch, long length) in new[] { (2L, 3L), (3, 5) })
        {
            (int b, int s, int h, int d) = ((int)(shape[0].Size ?? batch), (int)(shape[2].Size ?? length), (int)heads, (int)size);
            if (ElementPath.Send(path, [b, h, s, d], types) is not { } sent || !sent.Shape.AsSpan().SequenceEqual([b, s, h * d]))
                return false;
            for (int i = 0; i < sent.Elements.Length; i++)
            {
                int feature = i % (h * d), row = i / (h * d);
                if (sent.Elements[i] != ((row / s * h + feature / d) * s + row % s) * d + feature % d)
                    return false;
            }
        }
        return true;
    }

    /// <summary>Queries, keys and values that lie side by side in one value are split at once.</summary>
    private Value[]? Split()
    {
        long width = Heads * Size, last = Heads * ValueSize;
        if (!ReferenceEquals(Query.Value, Key.Value) || !ReferenceEquals(Query.Value, Values.Value) || Root.OpsetVersion < 13 || (Query.Offset, Key.Offset, Values.Offset) != (0, width, 2 * width)
            || Query.Features != 2 * width + last)
        {
            return null;
        }
        string name = Query.Value.Name;
        Node split = Root.Graph.InsertBefore(Root, "Split", [Query.Value, Constants.Add(Root, $"{name}/sizes", Tensor.Vector(width, width, last))], [$"{name}/query", $"{name}/key", $"{name}/value"], [new("axis", 2L)]);
        return [.. split.Outputs.Select(o => o!)];
    }

    private Value Part(HeadSource source, long width)
    {
        if (source.Features == width)
            return source.Value;
        string name = source.Value.Name;
        return Root.Graph.InsertBefore(Root, "Slice", [source.Value, Index(source.Offset), Index(source.Offset + width), Index(2)], [$"{name}/part"]).Outputs[0]!;

        Value Index(long value) => Constants.Add(Root, $"{name}/index", Tensor.Vector(value));
    }
}
