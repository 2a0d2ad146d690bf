using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Which channel goes where in a chain of Reshape, Transpose and the like, found by sending numbered elements through it.</summary>
internal static class ChannelPermutation
{
    private const long MaxElements = 1 << 23;

    /// <summary>True for operators that only move elements and whose result follows from shapes and constants.</summary>
    public static bool Moves(Node node) => node.Is("Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze");

    /// <summary>For each channel (dimension 1) of the chain's output the channel of its input it holds, when it moves whole channels and nothing else; null otherwise.</summary>
    /// <param name="chain">The nodes in order.</param>
    /// <param name="shape">Shape of the input; dimension 0 may be open.</param>
    public static long[]? Of(IReadOnlyList<Node> chain, Dimension[] shape)
    {
        if (shape.Length < 3 || shape.Any(d => d.Size < 1) || shape.Skip(1).Any(d => d.Size is null))
            return null;
        // An open dimension is tried at two sizes: what holds for both is not made for one.
        long[] batches = shape[0].Size is { } batch ? [batch] : [2, 3];
        long[]? found = null;
        foreach (long size in batches)
        {
            long[] sizes = [size, .. shape.Skip(1).Select(d => d.Size!.Value)];
            if (sizes.Aggregate(1.0, (product, d) => product * d) > MaxElements || Send(chain, sizes) is not { } permutation || (found is not null && !found.SequenceEqual(permutation)))
                return null;
            found = permutation;
        }
        return found;
    }

    private static long[]? Send(IReadOnlyList<Node> chain, long[] shape)
    {
        // Shapes first: most chains do not come back to the shape they started from, and need no elements.
        List<long[]> shapes = [shape];
        long count = Tensor.ElementCount(shape);
        foreach (Node node in chain)
        {
            if (Target(node, shapes[^1]) is not { } target || target.Any(d => d is < 1 or > MaxElements) || target.Aggregate(1.0, (product, d) => product * d) != count)
                return null;
            shapes.Add(target);
        }
        if (!shapes[^1].AsSpan().SequenceEqual(shape))
            return null;
        int[] elements = [.. Enumerable.Range(0, checked((int)count))];
        for (int i = 0; i < chain.Count; i++)
        {
            if (chain[i].OpType == "Transpose")
                elements = Transposed(elements, shapes[i], Permutation(chain[i], shapes[i].Length)!);
        }
        return Channels(elements, shape);
    }

    /// <summary>The order of dimensions a Transpose gives; null when it is none for that rank.</summary>
    public static long[]? Permutation(Node node, int rank)
    {
        long[] all = [.. Enumerable.Range(0, rank).Select(i => (long)i)], perm = node.Ints("perm") ?? [.. all.Reverse()];
        return perm.Order().SequenceEqual(all) ? perm : null;
    }

    private static long[]? Channels(int[] elements, long[] shape)
    {
        int channels = (int)shape[1], area = (int)Tensor.ElementCount(shape.AsSpan(2));
        long[] from = new long[channels];
        for (int i = 0; i < elements.Length; i++)
        {
            int batch = i / (channels * area), channel = i / area % channels, place = i % area, source = elements[i];
            if (i < channels * area && place == 0)
                from[channel] = source / area;
            if (source != (batch * channels + from[channel]) * area + place)
                return null;
        }
        return from;
    }

    /// <summary>Elements in the order a Transpose gives them.</summary>
    public static int[] Transposed(int[] elements, long[] shape, long[] perm)
    {
        int rank = shape.Length;
        long[] strides = new long[rank], sizes = [.. perm.Select(p => shape[p])], index = new long[rank];
        for (long i = rank - 1, stride = 1; i >= 0; stride *= shape[i--])
            strides[i] = stride;
        long[] steps = [.. perm.Select(p => strides[p])];
        int[] result = new int[elements.Length];
        long source = 0;
        for (int i = 0; i < result.Length; i++)
        {
            result[i] = elements[source];
            for (int axis = rank - 1; axis >= 0; axis--)
            {
                source += steps[axis];
                if (++index[axis] < sizes[axis])
                    break;
                source -= steps[axis] * sizes[axis];
                index[axis] = 0;
            }
        }
        return result;
    }

    /// <summary>The shape such an operator makes of another; null when it does not fit or is not known.</summary>
    public static long[]? Target(Node node, long[] shape)
    {
        int rank = shape.Length;
        switch (node.OpType)
        {
            case "Transpose":
                return Permutation(node, rank) is { } perm ? [.. perm.Select(p => shape[p])] : null;
            case "Flatten" when node.Int("axis", 1) is var axis && axis >= -rank && axis <= rank:
                int split = (int)(axis < 0 ? axis + rank : axis);
                return [Tensor.ElementCount(shape.AsSpan(0, split)), Tensor.ElementCount(shape.AsSpan(split))];
            case "Squeeze" when Constants.Integers(node, "axes", 1) is { } axes:
                HashSet<long> dropped = [.. axes.Select(a => a < 0 ? a + rank : a)];
                return dropped.All(a => a >= 0 && a < rank && shape[a] == 1) ? [.. shape.Where((_, i) => !dropped.Contains(i))] : null;
            case "Unsqueeze" when Constants.Integers(node, "axes", 1) is { } axes:
                HashSet<long> added = [.. axes.Select(a => a < 0 ? a + rank + axes.Length : a)];
                Queue<long> rest = new(shape);
                return added.Count == axes.Length && added.All(a => a >= 0 && a < rank + axes.Length) ? [.. Enumerable.Range(0, rank + axes.Length).Select(i => added.Contains(i) ? 1 : rest.Dequeue())] : null;
            case "Reshape" when Constants.Integers(node, "shape", 1) is { } target:
                if (node.Int("allowzero", 0) == 0)
                    target = [.. target.Select((d, i) => d == 0 && i < rank ? shape[i] : d)];
                double known = target.Where(d => d != -1).Aggregate(1.0, (a, b) => a * b);
                return known is < 1 or > MaxElements ? null : [.. target.Select(d => d == -1 ? Tensor.ElementCount(shape) / (long)known : d)];
            default:
                return null;
        }
    }
}
