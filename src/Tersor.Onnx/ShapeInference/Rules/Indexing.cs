namespace Tersor.Onnx.Inference.Rules;

/// <summary>Elements picked by index.</summary>
internal static class Indexing
{
    public static void Gather(NodeFacts n)
    {
        Dimension[]? x = n.Shape(0), indices = n.Shape(1), result = null, content = null;
        if (x is not null && indices is not null)
        {
            int axis = Dims.Axis(n.Int("axis", 0), x.Length);
            result = [.. x[..axis], .. indices, .. x[(axis + 1)..]];
            if (x.Length == 1 && n.Content(0) is { } elements && n.Known(1) is { } picked)
                content = [.. picked.Select(i => elements[Dims.Axis(i, elements.Length)])];
        }
        n.Set(0, n.Element(0), result, content);
    }

    public static void GatherElements(NodeFacts n) => n.Set(0, n.Element(0), n.Shape(1));

    public static void GatherNd(NodeFacts n)
    {
        Dimension[]? result = null;
        if (n.Shape(0) is { } x && n.Shape(1) is { Length: > 0 } indices && indices[^1].Size is { } depth)
            result = [.. indices[..^1], .. x[(int)(n.Int("batch_dims", 0) + depth)..]];
        n.Set(0, n.Element(0), result);
    }

    public static void TopK(NodeFacts n)
    {
        Dimension[]? result = null;
        if (n.Shape(0) is { } x)
        {
            result = [.. x];
            result[Dims.Axis(n.Int("axis", -1), x.Length)] = n.Version < 10 ? n.Int("k") is { } k ? k : Dims.Unknown : n.Content(1) is [var count] ? count : Dims.Unknown;
        }
        n.Set(0, n.Element(0), result);
        n.Set(1, ElementType.Int64, result);
    }

    public static void OneHot(NodeFacts n)
    {
        Dimension[]? result = null;
        if (n.Shape(0) is { } indices)
        {
            int axis = Dims.Axis(n.Int("axis", -1), indices.Length + 1);
            result = [.. indices[..axis], n.Content(1) is [var depth] ? depth : Dims.Unknown, .. indices[axis..]];
        }
        n.Set(0, n.Element(2), result);
    }

    public static void NonZero(NodeFacts n) => n.Set(0, ElementType.Int64, [n.Shape(0)?.Length is { } rank ? rank : Dims.Unknown, Dims.Unknown]);

    public static void Compress(NodeFacts n)
    {
        Dimension[]? result = null;
        if (n.Int("axis") is not { } axis)
            result = [Dims.Unknown];
        else if (n.Shape(0) is { } x)
        {
            result = [.. x];
            result[Dims.Axis(axis, x.Length)] = Dims.Unknown;
        }
        n.Set(0, n.Element(0), result);
    }

    public static void NonMaxSuppression(NodeFacts n) => n.Set(0, ElementType.Int64, [Dims.Unknown, 3]);
}
