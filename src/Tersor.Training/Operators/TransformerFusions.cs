using static TorchSharp.torch;

namespace Tersor.Training.Operators;

/// <summary>Operators ONNX Runtime's transformer optimizer puts in place of several: domain com.microsoft.</summary>
internal static class TransformerFusions
{
    private const string Microsoft = "com.microsoft";

    public static IEnumerable<OperatorRow> Rows =>
    [
        new("Gelu", 1, c => Activations.Gelu(c[0], tanh: false)) { Domain = Microsoft },
        new("BiasGelu", 1, c => Activations.Gelu(c[0] + c[1], tanh: false)) { Domain = Microsoft },
        new("FastGelu", 1, c => Activations.Gelu(c.Optional(1) is { } bias ? c[0] + bias : c[0], tanh: true)) { Domain = Microsoft },
        new("QuickGelu", 1, c => Activations.Swish(c[0], c.Node.Float("alpha", 1.702f))) { Domain = Microsoft },
        new("BiasSplitGelu", 1, c => (c[0] + c[1]).chunk(2, -1) is var halves ? halves[0] * Activations.Gelu(halves[1], tanh: false) : null) { Domain = Microsoft },
        // ONNX Runtime has it in ONNX's own domain.
        new("SimplifiedLayerNormalization", 1, SimplifiedLayerNormalization),
        new("SimplifiedLayerNormalization", 1, SimplifiedLayerNormalization) { Domain = Microsoft },
        new("SkipLayerNormalization", 1, SkipLayerNormalization) { Domain = Microsoft },
        new("SkipSimplifiedLayerNormalization", 1, SkipSimplifiedLayerNormalization) { Domain = Microsoft },
        new("EmbedLayerNormalization", 1, EmbedLayerNormalization) { Domain = Microsoft },
        new("MultiHeadAttention", 1, MultiHeadAttention) { Domain = Microsoft },
        new("Attention", 1, PackedAttention) { Domain = Microsoft },
    ];

    private static OperatorResult SimplifiedLayerNormalization(OperatorCall call)
    {
        Tensor x = call[0];
        (Tensor y, Tensor inverse) = Normalizations.RootMeanSquare(x, call[1], call.Axis(call.Node.Int("axis", -1), x.dim()), call.Node.Float("epsilon", 1e-5f));
        return (y, inverse);
    }

    private static OperatorResult SkipLayerNormalization(OperatorCall call)
    {
        Tensor sum = Plus(call[0] + call[1], call.Optional(4));
        double epsilon = call.Node.Float("epsilon", 1e-12f);
        Tensor y = Normalizations.LayerNormalized(sum, call[2], call.Optional(3), sum.dim() - 1, epsilon);
        if (call.Node.Output(1) is null && call.Node.Output(2) is null)
            return new Tensor?[] { y, null, null, sum };
        (Tensor mean, Tensor inverse) = Normalizations.Moments(sum, sum.dim() - 1, epsilon);
        return new Tensor?[] { y, mean, inverse, sum };
    }

    private static OperatorResult SkipSimplifiedLayerNormalization(OperatorCall call)
    {
        Tensor sum = Plus(call[0] + call[1], call.Optional(3));
        (Tensor y, Tensor inverse) = Normalizations.RootMeanSquare(sum, call[2], sum.dim() - 1, call.Node.Float("epsilon", 1e-12f));
        return new Tensor?[] { y, null, inverse, sum };
    }

    /// <summary>Words, positions and segments looked up, added and normalized; beside it, how many tokens the mask shows.</summary>
    private static OperatorResult EmbedLayerNormalization(OperatorCall call)
    {
        Tensor ids = call[0].to_type(ScalarType.Int64);
        Tensor places = call.Optional(8)?.to_type(ScalarType.Int64) ?? arange(ids.shape[1], ScalarType.Int64).unsqueeze(0);
        Tensor sum = Looked(call[2], ids) + Looked(call[3], places);
        if (call.Optional(1) is { } segments)
            sum = sum + Looked(call[4], segments.to_type(ScalarType.Int64));
        Tensor y = Normalizations.LayerNormalized(sum, call[5], call[6], sum.dim() - 1, call.Node.Float("epsilon", 1e-12f));
        Tensor shown = call.Optional(7)?.sum(1, type: ScalarType.Int32) ?? zeros([ids.shape[0]], ScalarType.Int32);
        return new Tensor?[] { y, shown, sum };
    }

    private static OperatorResult MultiHeadAttention(OperatorCall call)
    {
        long heads = call.Node.Int("num_heads", 1);
        Tensor q = call[0], k, v;
        if (q.dim() == 5) // [batch, length, heads, 3, size]
        {
            Tensor packed = q.permute(3, 0, 2, 1, 4);
            (q, k, v) = (packed.select(0, 0), packed.select(0, 1), packed.select(0, 2));
        }
        else if (call[1] is var keys && keys.dim() == 5) // [batch, length, heads, 2, size]
        {
            Tensor packed = keys.permute(3, 0, 2, 1, 4);
            (q, k, v) = (AttentionCore.Split(Plus(q, Bias(0, q.shape[2])), heads), packed.select(0, 0), packed.select(0, 1));
        }
        else
        {
            long size = q.shape[2];
            Tensor values = call[2];
            q = AttentionCore.Split(Plus(q, Bias(0, size)), heads);
            k = keys.dim() == 4 ? keys : AttentionCore.Split(Plus(keys, Bias(size, size)), heads);
            v = values.dim() == 4 ? values : AttentionCore.Split(Plus(values, Bias(2 * size, values.shape[2])), heads);
        }
        if (call.Optional(6) is { } pastKeys && call.Optional(7) is { } pastValues)
            (k, v) = (cat([pastKeys, k], 2), cat([pastValues, v], 2));
        return Attend(call, q, k, v, call.Optional(4), call.Optional(5), present: false);

        Tensor? Bias(long from, long length) => call.Optional(3)?.narrow(0, from, length);
    }

    /// <summary>Projection to queries, keys and values at once, then attention.</summary>
    private static OperatorResult PackedAttention(OperatorCall call)
    {
        long heads = call.Node.Int("num_heads", 1);
        Tensor projected = Plus(matmul(call[0], call[1]), call.Optional(2));
        long third = projected.shape[2] / 3;
        long[] sizes = call.Node.Ints("qkv_hidden_sizes") ?? [third, third, third];
        if (call.Node.Int("do_rotary", 0) != 0)
            throw call.Unsupported("rotary embedding inside of Attention");
        Tensor[] parts = projected.split(sizes, -1);
        Tensor q = AttentionCore.Split(parts[0], heads), k = AttentionCore.Split(parts[1], heads), v = AttentionCore.Split(parts[2], heads);
        if (call.Optional(4) is { } past) // [2, batch, heads, length, size]
            (k, v) = (cat([past.select(0, 0), k], 2), cat([past.select(0, 1), v], 2));
        return Attend(call, q, k, v, call.Optional(3), call.Optional(5), present: true);
    }

    /// <param name="call">The node.</param>
    /// <param name="q">[batch, heads, queries, size].</param>
    /// <param name="k">Keys, past ones included.</param>
    /// <param name="v">Values, past ones included.</param>
    /// <param name="mask">Which keys are shown: [batch] how many, [batch, keys] or [batch, queries, keys].</param>
    /// <param name="bias">Added to the scores; null: nothing.</param>
    /// <param name="present">Keys and values go out as one tensor; otherwise as two.</param>
    private static OperatorResult Attend(OperatorCall call, Tensor q, Tensor k, Tensor v, Tensor? mask, Tensor? bias, bool present)
    {
        long keys = k.shape[2], queries = q.shape[2];
        double hidden = call.Node.Float("mask_filter_value", -10000);
        Tensor? shown = mask switch
        {
            null => null,
            { } m when m.dim() == 1 && m.shape[0] == q.shape[0] => arange(keys, ScalarType.Int64).lt(m.to_type(ScalarType.Int64).reshape(-1, 1, 1, 1)),
            { } m when m.dim() == 2 => m.ne(0).reshape(m.shape[0], 1, 1, m.shape[1]),
            { } m when m.dim() == 3 => m.ne(0).unsqueeze(1),
            { } m => throw call.Unsupported($"a mask of shape [{string.Join(',', m.shape)}]"),
        };
        if (shown is not null)
        {
            Tensor filled = zeros(shown.shape, q.dtype).masked_fill(shown.logical_not(), hidden);
            bias = bias is null ? filled : bias + filled;
        }
        if (call.Node.Int("unidirectional", 0) != 0)
        {
            Tensor causal = AttentionCore.Hidden(ones([queries, keys], ScalarType.Bool).tril(keys - queries), q.dtype);
            bias = bias is null ? causal : bias + causal;
        }
        AttentionCore core = new(call.Node.Float("scale", 0) is var scale and not 0 ? scale : null);
        Tensor result = AttentionCore.Join(core.Run(q, k, v, bias).Result);
        if (call.Node.Output(1) is null)
            return result;
        return present ? (result, stack([k, v], 0)) : new Tensor?[] { result, k.alias(), v.alias() };
    }

    /// <summary>Rows of a table.</summary>
    private static Tensor Looked(Tensor table, Tensor rows) => table.index_select(0, rows.flatten()).reshape([.. rows.shape, table.shape[1]]);

    private static Tensor Plus(Tensor x, Tensor? bias) => bias is null ? x : x + bias;
}
