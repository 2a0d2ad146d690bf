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
        if (shape.Length < 3 || shape.Skip(1).Any(d => d.Size is null or 0))
            return null;
        // An open dimension is tried at two sizes: what holds for both is not made for one.
        long[] batches = shape[0].Size is { } batch ? [batch] : [2, 3];
        long[]? found = null;
        foreach (long size in batches)
        {
            long[] sizes = [size, .. shape.Skip(1).Select(d => d.Size!.Value)];
            if (Tensor.ElementCount(sizes) is 0 or > MaxElements || Send(chain, sizes) is not { } permutation || (found is not null && !found.SequenceEqual(permutation)))
                return null;
            found = permutation;
        }
        return found;
    }

    private static long[]? Send(IReadOnlyList<Node> chain, long[] shape)
    {
        int[] elements = [.. Enumerable.Range(0, checked((int)Tensor.ElementCount(shape)))];
        long[] current = shape;
        foreach (Node node in chain)
        {
            if (node.OpType == "Transpose")
            {
                if ((node.Ints("perm") ?? [.. Enumerable.Range(0, current.Length).Reverse().Select(i => (long)i)]) is not { } perm || perm.Length != current.Length)
                    return null;
                (elements, current) = (Transposed(elements, current, perm), [.. perm.Select(p => current[p])]);
            }
            else if (Target(node, current) is not { } target || Tensor.ElementCount(target) != elements.Length)
            {
                return null;
            }
            else
            {
                current = target;
            }
        }
        return current.AsSpan().SequenceEqual(shape) ? Channels(elements, shape) : null;
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

    private static int[] Transposed(int[] elements, long[] shape, long[] perm)
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

    private static long[]? Target(Node node, long[] shape)
    {
        int rank = shape.Length;
        switch (node.OpType)
        {
            case "Flatten":
                int split = (int)(node.Int("axis", 1) is < 0 and var negative ? negative + rank : node.Int("axis", 1));
                return [Tensor.ElementCount(shape.AsSpan(0, split)), Tensor.ElementCount(shape.AsSpan(split))];
            case "Squeeze" when Constants.Integers(node, "axes", 1) is { } axes:
                HashSet<long> dropped = [.. axes.Select(a => a < 0 ? a + rank : a)];
                return dropped.All(a => shape[a] == 1) ? [.. shape.Where((_, i) => !dropped.Contains(i))] : null;
            case "Unsqueeze" when Constants.Integers(node, "axes", 1) is { } axes:
                HashSet<long> added = [.. axes.Select(a => a < 0 ? a + rank + axes.Length : a)];
                Queue<long> rest = new(shape);
                return added.Count == axes.Length ? [.. Enumerable.Range(0, rank + axes.Length).Select(i => added.Contains(i) ? 1 : rest.Dequeue())] : null;
            case "Reshape" when Constants.Integers(node, "shape", 1) is { } target:
                if (node.Int("allowzero", 0) == 0)
                    target = [.. target.Select((d, i) => d == 0 && i < rank ? shape[i] : d)];
                long known = target.Where(d => d != -1).Aggregate(1L, (a, b) => a * b);
                return known <= 0 ? null : [.. target.Select(d => d == -1 ? Tensor.ElementCount(shape) / known : d)];
            default:
                return null;
        }
    }
}
