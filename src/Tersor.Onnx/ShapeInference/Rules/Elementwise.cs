namespace Tersor.Onnx.Inference.Rules;

/// <summary>Operators that work element by element, on shapes' elements too.</summary>
internal static class Elementwise
{
    public static void SameAsFirst(NodeFacts n)
    {
        ElementType element = n.Int("dtype") is { } stated ? (ElementType)stated : n.Element(0);
        n.Set(0, element, n.Shape(0), Fold(n, element));

        static Dimension[]? Fold(NodeFacts n, ElementType element) => element.IsInteger() && n.Content(0) is { } content ? n.Node.OpType switch
        {
            "Neg" => [.. content.Select(d => Dims.Sub(0, d))],
            "Abs" => [.. content.Select(d => d.Size is { } size ? Math.Abs(size) : d)],
            _ => null,
        } : null;
    }

    public static void Identity(NodeFacts n) => n.Set(0, n.In(0));

    /// <summary>One output that all inputs are broadcast to.</summary>
    public static void Variadic(NodeFacts n)
    {
        Dimension[]? shape = n.Shape(0), content = n.Content(0);
        for (int i = 1; i < n.InputCount; i++)
        {
            content = Zip(content, n.Content(i), n.Shape(i)?.Length <= 1 && shape?.Length <= 1, Operation(n.Node.OpType));
            shape = Dims.Broadcast(shape, n.Shape(i));
        }
        ElementType element = n.Element(0) != ElementType.Undefined || n.Node.Is("Pow") ? n.Element(0) : n.Element(1);
        n.Set(0, element, shape, element is ElementType.Int64 or ElementType.Int32 ? content : null);
    }

    public static void Comparison(NodeFacts n) => n.Set(0, ElementType.Bool, Dims.Broadcast(n.Shape(0), n.Shape(1)),
        Zip(n.Content(0), n.Content(1), n.Shape(0)?.Length <= 1 && n.Shape(1)?.Length <= 1, n.Node.OpType switch
        {
            "Equal" => (a, b) => a.Size is { } x && b.Size is { } y ? Bit(x == y) : Dims.Unknown,
            "Greater" => (a, b) => a.Size is { } x && b.Size is { } y ? Bit(x > y) : Dims.Unknown,
            "GreaterOrEqual" => (a, b) => a.Size is { } x && b.Size is { } y ? Bit(x >= y) : Dims.Unknown,
            "Less" => (a, b) => a.Size is { } x && b.Size is { } y ? Bit(x < y) : Dims.Unknown,
            "LessOrEqual" => (a, b) => a.Size is { } x && b.Size is { } y ? Bit(x <= y) : Dims.Unknown,
            "And" => (a, b) => a.Size == 0 || b.Size == 0 ? 0 : a.Size is not null && b.Size is not null ? 1 : Dims.Unknown,
            "Or" => (a, b) => a.Size == 1 || b.Size == 1 ? 1 : a.Size is not null && b.Size is not null ? 0 : Dims.Unknown,
            _ => null,
        }));

    public static void Predicate(NodeFacts n) => n.Set(0, ElementType.Bool, n.Shape(0),
        n.Node.Is("Not") && n.Content(0) is { } content ? [.. content.Select(d => d.Size is { } bit ? Bit(bit == 0) : Dims.Unknown)] : null);

    public static void Where(NodeFacts n)
    {
        Dimension[]? content = null, shape = Dims.Broadcast(n.Shape(0), Dims.Broadcast(n.Shape(1), n.Shape(2)));
        if (shape is [{ Size: { } length and <= 256 }] && n.Content(0) is { } condition && n.Content(1) is { } yes && n.Content(2) is { } no)
        {
            content = [.. Enumerable.Range(0, (int)length).Select(i => At(condition, i).Size switch
            {
                null => Dims.Join(At(yes, i), At(no, i)),
                0 => At(no, i),
                _ => At(yes, i),
            })];
        }
        n.Set(0, n.Element(1) != ElementType.Undefined ? n.Element(1) : n.Element(2), shape, content);

        static Dimension At(Dimension[] values, int i) => values[values.Length == 1 ? 0 : i];
    }

    public static void Cast(NodeFacts n)
    {
        ElementType target = n.Int("to") is { } number ? (ElementType)number : ElementType.Undefined;
        n.Set(0, target, n.Shape(0), Converted(n.Content(0), n.Element(0), target));
    }

    public static void CastLike(NodeFacts n) => n.Set(0, n.Element(1), n.Shape(0), Converted(n.Content(0), n.Element(0), n.Element(1)));

    public static void Dropout(NodeFacts n)
    {
        n.Set(0, n.Element(0), n.Shape(0));
        n.Set(1, n.Version >= 10 ? ElementType.Bool : n.Element(0), n.Shape(0));
    }

    private static Dimension[]? Converted(Dimension[]? content, ElementType from, ElementType to) => content is null ? null : to switch
    {
        ElementType.Bool => [.. content.Select(d => d.Size is { } size ? Bit(size != 0) : Dims.Unknown)],
        ElementType.Int64 => content,
        ElementType.Int32 => [.. content.Select(d => d.Size is { } size && size != (int)size ? Dims.Unknown : d)],
        _ when to == from => content,
        _ => null,
    };

    private static Dimension Bit(bool value) => value ? 1 : 0;

    private static Func<Dimension, Dimension, Dimension>? Operation(string opType) => opType switch
    {
        "Add" or "Sum" => Dims.Add,
        "Sub" => Dims.Sub,
        "Mul" => Dims.Mul,
        "Div" => Dims.Div,
        "Max" => (a, b) => a.Size is { } x && b.Size is { } y ? Math.Max(x, y) : Dims.Join(a, b),
        "Min" => (a, b) => a.Size is { } x && b.Size is { } y ? Math.Min(x, y) : Dims.Join(a, b),
        _ => null,
    };

    /// <summary>Element by element, a single one with all; vectors and scalars only.</summary>
    private static Dimension[]? Zip(Dimension[]? a, Dimension[]? b, bool flat, Func<Dimension, Dimension, Dimension>? operation)
    {
        if (a is null || b is null || !flat || operation is null || (a.Length != b.Length && a.Length != 1 && b.Length != 1))
            return null;
        int length = a.Length == 1 ? b.Length : a.Length;
        return [.. Enumerable.Range(0, length).Select(i => operation(a[a.Length == 1 ? 0 : i], b[b.Length == 1 ? 0 : i]))];
    }
}
