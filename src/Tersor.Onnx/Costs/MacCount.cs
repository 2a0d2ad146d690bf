using System.Collections.Frozen;
using Tersor.Onnx.Inference;

namespace Tersor.Onnx.Costs;

/// <summary>Multiply-accumulates of a node; the definitions are in <see cref="ModelCosts"/>.</summary>
internal static class MacCount
{
    /// <summary>Operators of com.microsoft that multiply matrices in ways not counted here.</summary>
    private static readonly FrozenSet<string> Uncounted = ["Attention", "BiasSplitGelu", "DecoderAttention", "DecoderMaskedMultiHeadAttention", "DecoderMaskedSelfAttention", "DynamicQuantizeLSTM", "GroupQueryAttention", "LongformerAttention", "MatMulBnb4",
        "MatMulFpQ4", "MoE", "MultiHeadAttention", "NhwcConv", "NhwcFusedConv", "PackedAttention", "PackedMultiHeadAttention", "QAttention", "QGemm", "QLinearConvTranspose", "QMoE", "QOrderedAttention", "QOrderedMatMul", "SparseAttention", "SparseToDenseMatMul", "TransposeMatMul"];

    /// <summary>The number, or null when a shape it needs is unknown.</summary>
    public static long? Of(Node node, InferredTypes types)
    {
        if (node.Graph.Model.FindFunction(node) is { } function)
            return types.Inside(node) is { } inside ? Sum(function.Body, inside) : null;
        if (!node.IsStandard && node.Domain != "com.microsoft")
            return node.Domain is "ai.onnx.ml" ? 0 : null; // classical models multiply nothing; other operators may do anything
        long? count = ByFamily(node, types);
        return count != 0 && node.Attributes.Values.Any(a => a is NodeAttribute.Reference) ? null : count; // what the caller of a function sets is not read here
    }

    private static long? ByFamily(Node node, InferredTypes types)
    {
        return node.OpType switch
        {
            "Conv" or "FusedConv" or "ConvInteger" or "DeformConv" => Product(Elements(Shape(0, output: true)), Elements(Shape(1)?[1..])),
            "QLinearConv" => Product(Elements(Shape(0, output: true)), Elements(Shape(3)?[1..])),
            "ConvTranspose" => Product(Elements(Shape(0)), Elements(Shape(1)?[1..])),
            "MatMul" or "MatMulInteger" or "QLinearMatMul" or "DynamicQuantizeMatMul" or "MatMulIntegerToFloat" => Product(Elements(Shape(0, output: true)), At(Shape(0), ^1)),
            "FusedMatMul" => Product(Elements(Shape(0, output: true)), node.Int("transBatchA", 0) != 0 ? null : At(Shape(0), ^(node.Int("transA", 0) != 0 ? 2 : 1))),
            "MatMulNBits" => Product(Elements(Shape(0, output: true)), node.Int("K")),
            "Gemm" or "FusedGemm" => Product(Elements(Shape(0, output: true)), At(Shape(0), node.Int("transA", 0) != 0 ? 0 : 1)),
            "Einsum" => Einsum(),
            "RNN" or "LSTM" or "GRU" => Recurrent(),
            "Attention" when node.IsStandard => Attention(),
            "If" => Costlier(node.Body("then_branch"), node.Body("else_branch")),
            "Loop" => Rounds(node.Body("body"), node.Input(0) is { } count && !StopsEarly() ? types.IntegersOf(count) is [var rounds] ? Math.Max(0, rounds) : null : null),
            "Scan" => Rounds(node.Body("body"), ScanLength()),
            "SequenceMap" => node.Body("body") is { } mapped && Sum(mapped, types) == 0 ? 0 : null,
            _ when !node.IsStandard && Uncounted.Contains(node.OpType) => null,
            _ => 0,
        };

        long[]? Shape(int index, bool output = false) => (output ? node.Output(index) : node.Input(index)) is { } value && types.FixedShapeOf(value) is { Length: > 0 } shape ? shape
            : output && node.Output(index) is { } scalar && types.FixedShapeOf(scalar) is { } empty ? empty : null;

        long? Einsum()
        {
            if (node.Inputs.Count < 2)
                return 0;
            if (EinsumEquation.Parse(node.Text("equation") ?? "") is not { } equation || equation.Inputs.Length != node.Inputs.Count)
                return null;
            Dictionary<char, long> sizes = [];
            for (int i = 0; i < equation.Inputs.Length; i++)
            {
                if (node.Input(i) is not { } operand || types.FixedShapeOf(operand) is not { } shape || shape.Length != equation.Inputs[i].Length)
                    return null;
                for (int axis = 0; axis < shape.Length; axis++)
                    sizes[equation.Inputs[i][axis]] = Math.Max(shape[axis], sizes.GetValueOrDefault(equation.Inputs[i][axis]));
            }
            return Product(Elements([.. sizes.Values]), node.Inputs.Count - 1);
        }

        long? Recurrent()
        {
            long[]? x = Shape(0);
            return x is { Length: 3 } && Elements(Shape(1)) is { } w && Elements(Shape(2)) is { } r ? Product(Product(x[0], x[1]), w + r) : null;
        }

        long? Attention()
        {
            long[]? q = Shape(0), k = Shape(1), v = Shape(2);
            if (q is { Length: 4 } && k is { Length: 4 } && v is { Length: 4 })
                return Product(Elements([q[0], q[1], q[2], k[2]]), q[3] + v[3]);
            if (q is not { Length: 3 } || k is not { Length: 3 } || v is not { Length: 3 } || node.Int("q_num_heads") is not { } heads || node.Int("kv_num_heads") is not { } others || heads < 1 || others < 1 || node.Input(4) is not null)
                return null;
            return Product(Elements([q[0], heads, q[1], k[1]]), q[2] / heads + v[2] / others);
        }

        long? Costlier(Graph? a, Graph? b) => a is not null && b is not null && Sum(a, types) is { } x && Sum(b, types) is { } y ? Math.Max(x, y) : null;

        long? Rounds(Graph? body, long? count) => body is null ? null : Sum(body, types) switch { 0 => 0, var once => Product(once, count) };

        // A condition that the body computes may end the loop before its last round.
        bool StopsEarly() => node.Body("body") is not { Outputs: [var condition, ..] } body || !(types.IntegersOf(condition) is [1] || ReferenceEquals(condition, body.Inputs.ElementAtOrDefault(1)) || condition.Producer is { } same && same.Is("Identity") && ReferenceEquals(same.Input(0), body.Inputs.ElementAtOrDefault(1)));

        long? ScanLength()
        {
            if (node.OpsetVersion < 9 || node.Int("num_scan_inputs") is not { } scanned || scanned < 1 || scanned > node.Inputs.Count)
                return null;
            long axis = node.Ints("scan_input_axes") is { Length: > 0 } axes ? axes[0] : 0;
            return Shape(node.Inputs.Count - (int)scanned) is { } shape && axis < shape.Length && axis >= -shape.Length ? shape[axis < 0 ? axis + shape.Length : axis] : null;
        }
    }

    /// <summary>The product of a shape; null when it is unknown or above 2^63 - 1.</summary>
    public static long? Elements(ReadOnlySpan<long> shape)
    {
        long? count = 1;
        foreach (long size in shape)
            count = Product(count, size);
        return count;
    }

    public static long? Elements(long[]? shape) => shape is null ? null : Elements(shape.AsSpan());

    private static long? Sum(Graph graph, InferredTypes types)
    {
        long? sum = 0;
        foreach (Node node in graph.Nodes)
        {
            if (sum is not { } soFar || Of(node, types) is not { } more || more > long.MaxValue - soFar)
                return null;
            sum = soFar + more;
        }
        return sum;
    }

    private static long? At(long[]? shape, Index index) => shape is not null && index.GetOffset(shape.Length) is var at && at >= 0 && at < shape.Length ? shape[at] : null;

    private static long? Product(long? a, long? b) => a is { } x && b is { } y && (Int128)x * y is var product && product >= 0 && product <= long.MaxValue ? (long)product : null;
}
