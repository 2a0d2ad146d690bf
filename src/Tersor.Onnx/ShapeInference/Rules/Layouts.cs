namespace Tersor.Onnx.Inference.Rules;

/// <summary>The same elements, or repetitions of them, under another shape.</summary>
internal static class Layouts
{
    public static void Reshape(NodeFacts n)
    {
        Dimension[]? target = n.Version < 5 ? n.Ints("shape")?.Select(s => (Dimension)s).ToArray() : n.Content(1), x = n.Shape(0);
        if (target is null)
        {
            n.Set(0, n.Element(0), n.Shape(1) is [{ Size: { } rank and <= 64 }] ? Dims.Of((int)rank) : null, n.Content(0));
            return;
        }
        Dimension[] result = [.. target];
        if (n.Int("allowzero", 0) == 0)
        {
            for (int i = 0; i < result.Length; i++)
            {
                if (result[i].Size == 0)
                    result[i] = x is not null ? x[i] : Dims.Unknown;
            }
        }
        int open = Array.FindIndex(result, d => d.Size == -1);
        // One unknown among otherwise known sizes follows from the number of elements as well, if it may not be a -1 itself.
        int unknown = open >= 0 ? open : Array.FindIndex(result, d => d.Size is null && d.Symbol is null);
        if (unknown >= 0)
        {
            Dimension found = x is null || result.Where((d, i) => i != unknown).Any(d => d is { Size: null, Symbol: null }) ? Dims.Unknown : Rest(x, [.. result.Where((_, i) => i != unknown)]);
            result[unknown] = found;
        }
        n.Set(0, n.Element(0), result, n.Content(0));
    }

    /// <summary>Elements of <paramref name="all"/> divided by those of <paramref name="others"/>; symbols in both cancel out.</summary>
    private static Dimension Rest(Dimension[] all, Dimension[] others)
    {
        List<Dimension> left = [.. all];
        List<Dimension> right = [];
        foreach (Dimension d in others)
        {
            int same = d.Size is null ? left.FindIndex(o => Dims.Same(o, d)) : -1;
            if (same >= 0)
                left.RemoveAt(same);
            else
                right.Add(d);
        }
        Dimension divisor = Dims.Product(right);
        if (divisor.Size is not { } by || by == 0)
            return Dims.Unknown;
        List<Dimension> symbols = [.. left.Where(d => d.Size is null)];
        long fixedPart = left.Where(d => d.Size is not null).Aggregate(1L, (p, d) => checked(p * d.Size!.Value));
        return symbols.Count == 0 ? fixedPart % by == 0 ? fixedPart / by : Dims.Unknown
            : symbols.Count == 1 && fixedPart == by ? symbols[0]
            : Dims.Unknown;
    }

    public static void Flatten(NodeFacts n)
    {
        Dimension[] shape = [Dims.Unknown, Dims.Unknown];
        if (n.Shape(0) is { } x)
        {
            long axis = n.Int("axis", 1);
            int at = (int)(axis < 0 ? axis + x.Length : axis);
            shape = [Dims.Product(x[..at]), Dims.Product(x[at..])];
        }
        n.Set(0, n.Element(0), shape);
    }

    public static void Squeeze(NodeFacts n)
    {
        bool given = n.IntsFrom("axes", 1, out long[]? axes);
        Dimension[]? result = null;
        if (n.Shape(0) is { } x)
        {
            if (axes is not null)
            {
                HashSet<int> gone = [.. axes.Select(a => Dims.Axis(a, x.Length))];
                result = [.. x.Where((_, i) => !gone.Contains(i))];
            }
            else if (!given && x.All(d => d.Size is not null))
            {
                result = [.. x.Where(d => d.Size != 1)];
            }
        }
        n.Set(0, n.Element(0), result, n.Content(0));
    }

    public static void Unsqueeze(NodeFacts n)
    {
        n.IntsFrom("axes", 1, out long[]? axes);
        Dimension[]? result = null;
        if (n.Shape(0) is { } x && axes is not null)
        {
            result = new Dimension[x.Length + axes.Length];
            HashSet<int> added = [.. axes.Select(a => Dims.Axis(a, result.Length))];
            int next = 0;
            for (int i = 0; i < result.Length; i++)
                result[i] = added.Contains(i) ? 1 : x[next++];
        }
        n.Set(0, n.Element(0), result, n.Content(0));
    }

    public static void Transpose(NodeFacts n)
    {
        Dimension[]? result = null;
        if (n.Shape(0) is { } x)
        {
            long[] order = n.Ints("perm") ?? [.. Enumerable.Range(0, x.Length).Reverse().Select(i => (long)i)];
            result = [.. order.Select(i => x[i])];
        }
        n.Set(0, n.Element(0), result, result?.Length <= 1 ? n.Content(0) : null);
    }

    public static void Expand(NodeFacts n)
    {
        Dimension[]? target = Constants.AsShape(n.Content(1), n.Shape(1)), shape = Dims.Broadcast(n.Shape(0), target), content = null;
        if (shape is [{ Size: { } length and <= 256 }] && n.Content(0) is { } x && n.Shape(0)?.Length <= 1)
            content = x.Length == 1 ? [.. Enumerable.Repeat(x[0], (int)length)] : x;
        n.Set(0, n.Element(0), shape, content);
    }

    public static void Tile(NodeFacts n)
    {
        Dimension[]? result = null;
        if (n.Shape(0) is { } x && n.Version >= 6)
            result = n.Content(1) is { } repeats ? [.. x.Zip(repeats, Dims.Mul)] : Dims.Of(x.Length);
        n.Set(0, n.Element(0), result);
    }

    public static void DepthToSpace(NodeFacts n)
    {
        long b = n.Int("blocksize", 1);
        n.Set(0, n.Element(0), n.Shape(0) is { Length: 4 } x ? [x[0], Dims.Div(x[1], b * b), Dims.Mul(x[2], b), Dims.Mul(x[3], b)] : null);
    }

    public static void SpaceToDepth(NodeFacts n)
    {
        long b = n.Int("blocksize", 1);
        n.Set(0, n.Element(0), n.Shape(0) is { Length: 4 } x ? [x[0], Dims.Mul(x[1], b * b), Dims.Div(x[2], b), Dims.Div(x[3], b)] : null);
    }
}
