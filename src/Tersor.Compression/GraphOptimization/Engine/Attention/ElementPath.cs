using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Where each element of a value comes from, found by sending numbered elements through operators that only move and take them.</summary>
internal static class ElementPath
{
    private const double MaxElements = 1 << 22;

    /// <summary>True for operators that may stand on a path.</summary>
    public static bool IsStep(Node node) => ChannelPermutation.Moves(node) || node.Is("Split", "Slice", "Gather");

    /// <summary>The number of the source's element that stands at each place of the last value, and its shape; null where that is not known.</summary>
    /// <param name="path">Values in order, each made by one step from the one before; the first is made from the source.</param>
    /// <param name="source">Shape of the source.</param>
    /// <param name="types">Tells the shape a Reshape makes where that is computed.</param>
    public static (int[] Elements, long[] Shape)? Send(IReadOnlyList<Value> path, long[] source, TypeFacts types)
    {
        if (source.Any(d => d < 1) || source.Aggregate(1.0, (product, d) => product * d) > MaxElements)
            return null;
        (int[] Elements, long[] Shape) now = ([.. Enumerable.Range(0, (int)Tensor.ElementCount(source))], source);
        foreach (Value value in path)
        {
            if (Step(value, now.Elements, now.Shape, types) is not { } next)
                return null;
            now = next;
        }
        return now;
    }

    private static (int[], long[])? Step(Value value, int[] elements, long[] shape, TypeFacts types)
    {
        Node node = value.Producer!;
        if (!ChannelPermutation.Moves(node))
            return Taken(node, value.ProducerIndex, shape) is { } taken ? Take(elements, shape, taken.Axis, taken.Indices, taken.Drops) : null;
        if ((ChannelPermutation.Target(node, shape) ?? Computed(value, elements.Length, types)) is not { } target || target.Any(d => d < 1) || target.Aggregate(1.0, (product, d) => product * d) != elements.Length)
            return null;
        return (node.OpType == "Transpose" ? ChannelPermutation.Transposed(elements, shape, ChannelPermutation.Permutation(node, shape.Length)!) : elements, target);
    }

    /// <summary>What a Reshape to a computed shape makes, where one dimension at most is not known: that follows from the number of elements.</summary>
    private static long[]? Computed(Value value, long count, TypeFacts types)
    {
        if (!value.Producer!.Is("Reshape") || value.Producer!.Input(1) is null or { Constant: not null } || types.Shape(value) is not { } shape || shape.Count(d => d.Size is null) > 1)
            return null;
        double known = shape.Aggregate(1.0, (product, d) => product * (d.Size ?? 1));
        return known is < 1 or > MaxElements ? null : [.. shape.Select(d => d.Size ?? count / (long)known)];
    }

    /// <summary>Which indices of which dimension an operator takes, and whether that dimension goes.</summary>
    private static (int Axis, long[] Indices, bool Drops)? Taken(Node node, int output, long[] shape)
    {
        int rank = shape.Length;
        if (node.Is("Slice"))
        {
            if (node.OpsetVersion < 10 || Constants.Integers(node.Input(1)) is not [var start] || Constants.Integers(node.Input(2)) is not [var end] || Constants.Integers(node.Input(3)) is not [var along]
                || (node.Input(4) is { } steps && Constants.Integers(steps) is not [1]) || Place(along) is not { } sliced)
            {
                return null;
            }
            long size = shape[sliced], from = Math.Clamp(start < 0 ? start + size : start, 0, size), to = Math.Clamp(end < 0 ? end + size : end, 0, size);
            return from < to ? (sliced, Range(from, to - from), false) : null;
        }
        if (Place(node.Int("axis", 0)) is not { } axis)
            return null;
        if (node.Is("Gather"))
        {
            return Constants.Integers(node.Input(1)) is { Length: > 0 } indices && node.Inputs[1]!.Constant!.Rank <= 1 && indices.All(i => i >= -shape[axis] && i < shape[axis])
                ? (axis, [.. indices.Select(i => i < 0 ? i + shape[axis] : i)], node.Inputs[1]!.Constant!.Rank == 0) : null;
        }
        int parts = node.Outputs.Count;
        long[]? sizes = node.Ints("split") ?? (node.Input(1) is { } input ? Constants.Integers(input) : shape[axis] % parts == 0 ? [.. Enumerable.Repeat(shape[axis] / parts, parts)] : null);
        return sizes?.Length == parts && sizes.All(s => s > 0 && s <= shape[axis]) && sizes.Sum() == shape[axis] ? (axis, Range(sizes.Take(output).Sum(), sizes[output]), false) : null;

        int? Place(long along) => along >= -rank && along < rank ? (int)(along < 0 ? along + rank : along) : null;

        static long[] Range(long from, long count) => [.. Enumerable.Range((int)from, (int)count).Select(i => (long)i)];
    }

    private static (int[], long[])? Take(int[] elements, long[] shape, int axis, long[] indices, bool drops)
    {
        int inner = (int)Tensor.ElementCount(shape.AsSpan(axis + 1)), size = (int)shape[axis], outer = elements.Length / (inner * size);
        if ((double)outer * indices.Length * inner > MaxElements)
            return null;
        int[] result = new int[outer * indices.Length * inner];
        for (int o = 0; o < outer; o++)
        {
            for (int i = 0; i < indices.Length; i++)
                elements.AsSpan((o * size + (int)indices[i]) * inner, inner).CopyTo(result.AsSpan((o * indices.Length + i) * inner));
        }
        return (result, drops ? [.. shape[..axis], .. shape[(axis + 1)..]] : [.. shape[..axis], indices.Length, .. shape[(axis + 1)..]]);
    }
}
