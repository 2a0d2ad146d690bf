namespace Tersor.Onnx.Inference.Rules;

/// <summary>Tensors made of nothing, or of a shape.</summary>
internal static class Constants
{
    public static void Constant(NodeFacts n)
    {
        if (n.Node.Outputs[0] is { Tensor: { } tensor })
            n.Set(0, Walk.OfConstant(tensor));
        else if (n.Attribute("value_ints") is NodeAttribute.Ints ints)
            n.Set(0, ElementType.Int64, [ints.Values.Length], [.. ints.Values.Select(v => (Dimension)v)]);
        else if (n.Attribute("value_int") is NodeAttribute.Int number)
            n.Set(0, ElementType.Int64, [], [number.Value]);
        else if (n.Attribute("value_float") is NodeAttribute.Float)
            n.Set(0, ElementType.Float32, []);
        else if (n.Attribute("value_floats") is NodeAttribute.Floats floats)
            n.Set(0, ElementType.Float32, [floats.Values.Length]);
        else if (n.Attribute("value") is NodeAttribute.TensorValue value)
            n.Set(0, Walk.OfConstant(value.Value));
        else if (n.Attribute("sparse_value") is NodeAttribute.Sparse sparse)
            n.Set(0, sparse.Value.Values.Type, [.. sparse.Value.Shape.Select(s => (Dimension)s)]);
    }

    public static void OfShape(NodeFacts n)
    {
        Tensor? value = (n.Attribute("value") as NodeAttribute.TensorValue)?.Value;
        ElementType element = value?.Type ?? ElementType.Float32;
        Dimension[]? shape = AsShape(n.Content(0), n.Shape(0)), content = null;
        if (shape is [] or [{ Size: <= 256 }] && element is ElementType.Int64 or ElementType.Int32 or ElementType.Bool)
            content = [.. Enumerable.Repeat((Dimension)value!.ToInt64s()[0], shape.Length == 0 ? 1 : (int)shape[0].Size!)];
        n.Set(0, element, shape, content);
    }

    public static void Range(NodeFacts n)
    {
        Dimension length = Dims.Unknown;
        Dimension[]? content = null;
        if (n.Known(0) is [var start] && n.Known(1) is [var limit] && n.Known(2) is [var step] && step != 0)
        {
            long count = Math.Max(0, step > 0 ? Dims.CeilDiv(limit - start, step) : Dims.CeilDiv(start - limit, -step));
            length = count;
            if (count <= 256)
                content = [.. Enumerable.Range(0, (int)count).Select(i => (Dimension)(start + i * step))];
        }
        else if (n.Known(0) is [0] && n.Known(2) is [1] && n.Content(1) is [var symbolic])
        {
            length = symbolic;
        }
        else if (n.Floats(0) is [var first] && n.Floats(1) is [var last] && n.Floats(2) is [var by] && by != 0 && n.Element(0) == ElementType.Float32)
        {
            length = Math.Max(0, (long)Math.Ceiling(((double)last - first) / by));
        }
        n.Set(0, n.Element(0), [length], content);
    }

    public static void Shape(NodeFacts n)
    {
        if (n.Shape(0) is not { } shape)
        {
            n.Set(0, ElementType.Int64, [Dims.Unknown]);
            return;
        }
        int start = Clamp(n.Int("start", 0)), end = Clamp(n.Int("end", shape.Length));
        Dimension[] part = start < end ? shape[start..end] : [];
        n.Set(0, ElementType.Int64, [part.Length], part);

        int Clamp(long index) => (int)Math.Clamp(index < 0 ? index + shape.Length : index, 0, shape.Length);
    }

    public static void Size(NodeFacts n) => n.Set(0, ElementType.Int64, [], n.Shape(0) is { } shape ? [Dims.Product(shape)] : null);

    public static void EyeLike(NodeFacts n) => n.Set(0, n.Int("dtype") is { } type ? (ElementType)type : n.Element(0), n.Shape(0));

    public static void Random(NodeFacts n) => n.Set(0, (ElementType)n.Int("dtype", 1), n.Ints("shape") is { } shape ? [.. shape.Select(s => (Dimension)s)] : null);

    public static void RandomLike(NodeFacts n) => n.Set(0, n.Int("dtype") is { } type ? (ElementType)type : n.Element(0), n.Shape(0));

    public static void Window(NodeFacts n) => n.Set(0, (ElementType)n.Int("output_datatype", 1), [n.Content(0) is [var size] ? size : Dims.Unknown]);

    /// <summary>The shape a tensor of sizes describes: from its elements, or of its length.</summary>
    public static Dimension[]? AsShape(Dimension[]? content, Dimension[]? shapeOfSizes) => content is not null ? [.. content.Select(d => d.Size < 0 ? Dims.Unknown : d)]
        : shapeOfSizes is [{ Size: { } rank and <= 64 }] ? Dims.Of((int)rank) : null;
}
