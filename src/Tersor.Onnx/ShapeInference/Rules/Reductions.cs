namespace Tersor.Onnx.Inference.Rules;

/// <summary>Operators that fold axes away.</summary>
internal static class Reductions
{
    public static void Reduce(NodeFacts n)
    {
        bool given = n.IntsFrom("axes", 1, out long[]? axes), keep = n.Int("keepdims", 1) != 0;
        if (n.Shape(0) is not { } shape || (given && axes is null))
        {
            n.Set(0, n.Element(0), n.Shape(0) is { } known && keep ? Dims.Of(known.Length) : null);
            return;
        }
        if (axes is null or [])
        {
            if (n.Int("noop_with_empty_axes", 0) != 0)
            {
                n.Set(0, n.Element(0), shape);
                return;
            }
            axes = [.. Enumerable.Range(0, shape.Length).Select(i => (long)i)];
        }
        Dimension[]? content = shape.Length <= 1 && n.Content(0) is { } elements && axes.Length == shape.Length ? n.Node.OpType switch
        {
            "ReduceProd" => [Dims.Product(elements)],
            "ReduceSum" => [elements.Aggregate((Dimension)0, Dims.Add)],
            "ReduceMax" when elements.Length > 0 && elements.All(e => e.Size is not null) => [elements.Max(e => e.Size!.Value)],
            "ReduceMin" when elements.Length > 0 && elements.All(e => e.Size is not null) => [elements.Min(e => e.Size!.Value)],
            _ => null,
        } : null;
        n.Set(0, n.Element(0), Without(shape, axes, keep), content);
    }

    public static void ArgReduce(NodeFacts n) => n.Set(0, ElementType.Int64, n.Shape(0) is { } shape ? Without(shape, [n.Int("axis", 0)], n.Int("keepdims", 1) != 0) : null);

    public static void Loss(NodeFacts n)
    {
        n.Set(0, n.Element(0), n.Text("reduction") == "none" ? n.Shape(1) : []);
        n.Set(1, n.Element(0), n.Shape(0));
    }

    private static Dimension[] Without(Dimension[] shape, long[] axes, bool keep)
    {
        HashSet<int> gone = [.. axes.Select(a => Dims.Axis(a, shape.Length))];
        return [.. shape.Select((d, i) => gone.Contains(i) ? (Dimension)1 : d).Where((_, i) => keep || !gone.Contains(i))];
    }
}
