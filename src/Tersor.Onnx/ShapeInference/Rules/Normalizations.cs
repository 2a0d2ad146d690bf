namespace Tersor.Onnx.Inference.Rules;

/// <summary>Normalizations that give out statistics beside the normalized tensor.</summary>
internal static class Normalizations
{
    public static void Batch(NodeFacts n)
    {
        n.Set(0, n.Element(0), n.Shape(0));
        for (int i = 1; i < n.OutputCount; i++)
            n.Set(i, n.Element(3), n.Shape(3) ?? n.Shape(1));
    }

    public static void Layer(NodeFacts n)
    {
        n.Set(0, n.Element(0), n.Shape(0));
        Dimension[]? statistics = null;
        if (n.Shape(0) is { } x)
        {
            int axis = Dims.Axis(n.Int("axis", -1), x.Length);
            statistics = [.. x.Select((d, i) => i < axis ? d : 1)];
        }
        for (int i = 1; i < n.OutputCount; i++)
            n.Set(i, (ElementType)n.Int("stash_type", 1), statistics);
    }

    /// <summary>Normalized sum, mean, inverse deviation, and the sum itself.</summary>
    public static void Skip(NodeFacts n)
    {
        n.Set(0, n.Element(0), n.Shape(0));
        n.Set(3, n.Element(0), n.Shape(0));
    }
}
