namespace Tersor.Onnx.Inference.Rules;

/// <summary>Matrix products and what is built on them.</summary>
internal static class Matrices
{
    public static void MatMul(NodeFacts n) => n.Set(0, n.Node.OpType == "MatMulInteger" ? ElementType.Int32 : n.Element(0) != ElementType.Undefined ? n.Element(0) : n.Element(1), Product(n.Shape(0), n.Shape(1)));

    public static void QLinearMatMul(NodeFacts n) => n.Set(0, n.Element(7), Product(n.Shape(0), n.Shape(3)));

    public static void MatMulToFloat(NodeFacts n) => n.Set(0, ElementType.Float32, Product(n.Shape(0), n.Shape(1)));

    public static void FusedMatMul(NodeFacts n)
    {
        if (n.Int("transBatchA", 0) != 0 || n.Int("transBatchB", 0) != 0)
            n.Set(0, n.Element(0), null);
        else
            n.Set(0, n.Element(0), Product(Turned(n.Shape(0), n.Int("transA", 0)), Turned(n.Shape(1), n.Int("transB", 0))));

        static Dimension[]? Turned(Dimension[]? shape, long turn) => turn == 0 || shape is not { Length: > 1 } ? shape : [.. shape[..^2], shape[^1], shape[^2]];
    }

    public static void MatMulNBits(NodeFacts n) => n.Set(0, n.Element(0), n.Shape(0) is { Length: > 0 } a && n.Int("N") is { } columns ? [.. a[..^1], columns] : null);

    public static void Gemm(NodeFacts n)
    {
        bool turnA = n.Int("transA", 0) != 0, turnB = n.Int("transB", 0) != 0;
        Dimension rows = n.Shape(0) is { Length: 2 } a ? a[turnA ? 1 : 0] : Dims.Unknown, columns = n.Shape(1) is { Length: 2 } b ? b[turnB ? 0 : 1] : Dims.Unknown;
        n.Set(0, n.Element(0), [rows, columns]);
    }

    public static void Det(NodeFacts n) => n.Set(0, n.Element(0), n.Shape(0) is { Length: > 1 } x ? x[..^2] : null);

    public static void Einsum(NodeFacts n)
    {
        n.Set(0, n.Element(0), null);
        if (EinsumEquation.Parse(n.Text("equation") ?? "") is not { } equation || equation.Inputs.Length != n.InputCount)
            return;
        Dictionary<string, Dimension> sizes = [];
        for (int i = 0; i < equation.Inputs.Length; i++)
        {
            if (n.Shape(i) is not { } shape || equation.Inputs[i].Length != shape.Length)
                return; // unknown, or an ellipsis
            for (int axis = 0; axis < shape.Length; axis++)
            {
                string label = equation.Inputs[i][axis].ToString();
                sizes[label] = sizes.TryGetValue(label, out Dimension known) && known.Size is > 1 ? known : shape[axis];
            }
        }
        n.Set(0, n.Element(0), [.. equation.Output.Select(label => sizes[label.ToString()])]);
    }

    /// <summary>Y has the queries' positions and the values' width; then keys and values with the past before them, and the scores.</summary>
    public static void Attention(NodeFacts n)
    {
        Dimension[]? q = Heads(n.Shape(0), n.Int("q_num_heads")), k = Heads(n.Shape(1), n.Int("kv_num_heads")), v = Heads(n.Shape(2), n.Int("kv_num_heads")), past = n.Shape(4);
        if (q is null || k is null || v is null)
            return;
        n.Set(0, n.Element(0), n.Shape(0)!.Length == 4 ? [q[0], q[1], q[2], v[3]] : [q[0], q[2], Dims.Mul(q[1], v[3])]);
        Dimension keys = !n.Has(4) ? k[2] : past is { Length: 4 } ? Dims.Add(past[2], k[2]) : Dims.Unknown;
        n.Set(1, n.Element(1), [k[0], k[1], keys, k[3]]);
        n.Set(2, n.Element(2), [v[0], v[1], keys, v[3]]);
        n.Set(3, n.Element(0), [q[0], q[1], q[2], keys]);

        // [batch, heads, positions, width] from that or from [batch, positions, heads * width].
        static Dimension[]? Heads(Dimension[]? shape, long? heads) => shape is { Length: 4 } ? shape
            : shape is { Length: 3 } && heads is { } count ? [shape[0], count, shape[1], Dims.Div(shape[2], count)] : null;
    }

    private static Dimension[]? Product(Dimension[]? a, Dimension[]? b)
    {
        if (a is not { Length: > 0 } || b is not { Length: > 0 })
            return null;
        Dimension[] left = a.Length == 1 ? [1, a[0]] : a, right = b.Length == 1 ? [b[0], 1] : b;
        Dimension[] batch = Dims.Broadcast(left[..^2], right[..^2])!;
        IEnumerable<Dimension> result = batch;
        if (a.Length > 1)
            result = result.Append(left[^2]);
        if (b.Length > 1)
            result = result.Append(right[^1]);
        return [.. result];
    }
}
