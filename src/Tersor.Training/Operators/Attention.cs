using Tersor.Onnx;
using static TorchSharp.torch;

namespace Tersor.Training.Operators;

/// <summary>ONNX's own attention operators and rotary position embeddings.</summary>
internal static class Attention
{
    public static IEnumerable<OperatorRow> Rows =>
    [
        new("Attention", 23, Standard),
        new("FlexAttention", 26, Flex),
        new("LinearAttention", 27, Linear),
        new("RotaryEmbedding", 23, c => Rotary(c, c[0], c[1], c[2], c.Optional(3))),
        new("RotaryEmbedding", 1, c => Rotary(c, c[0], c[2], c[3], c[1])) { Domain = "com.microsoft" },
    ];

    private static OperatorResult Standard(OperatorCall call)
    {
        Tensor q = call[0], k = call[1], v = call[2];
        bool flat = q.dim() == 3;
        if (flat)
        {
            long heads = call.Node.Int("q_num_heads") ?? throw call.Bad("has three-dimensional inputs but no q_num_heads"), keyHeads = call.Node.Int("kv_num_heads", heads);
            (q, k, v) = (AttentionCore.Split(q, heads), AttentionCore.Split(k, keyHeads), AttentionCore.Split(v, keyHeads));
        }
        long past = 0;
        if (call.Optional(4) is { } pastKeys && call.Optional(5) is { } pastValues)
        {
            past = pastKeys.shape[2];
            (k, v) = (cat([pastKeys, k], 2), cat([pastValues, v], 2));
        }
        bool causal = call.Node.Int("is_causal", 0) != 0;
        bool plain = causal && past == 0 && call.Optional(3) is null && call.Optional(6) is null;
        AttentionCore core = new(call.Node.Attributes.ContainsKey("scale") ? call.Node.Float("scale", 1) : null)
        {
            Softcap = call.Node.Float("softcap", 0),
            IsCausal = plain,
            Scores = call.Node.Output(3) is null ? null : call.Node.Int("qk_matmul_output_mode", 0),
        };
        Tensor? bias = plain ? null : Bias(call, q, k.shape[2], past, causal);
        (Tensor result, Tensor? scores) = core.Run(q, k, v, bias);
        return new Tensor?[] { flat ? AttentionCore.Join(result) : result.alias(), call.Node.Output(1) is null ? null : k.alias(), call.Node.Output(2) is null ? null : v.alias(), scores };
    }

    /// <summary>What the mask, the order of time and the padding add to the scores; null: nothing.</summary>
    private static Tensor? Bias(OperatorCall call, Tensor q, long keys, long past, bool causal)
    {
        long queries = q.shape[2];
        Tensor? bias = null;
        if (call.Optional(3) is { } mask)
        {
            bias = mask.dtype == ScalarType.Bool ? AttentionCore.Hidden(mask, q.dtype) : mask.to_type(q.dtype);
            long missing = keys - bias.shape[^1];
            if (missing > 0)
                bias = cat([bias, full([.. bias.shape[..^1], missing], double.NegativeInfinity, q.dtype)], -1);
        }
        Tensor? lengths = call.Optional(6)?.to_type(ScalarType.Int64).reshape(-1, 1, 1, 1);
        Tensor column = arange(keys, ScalarType.Int64);
        if (causal)
        {
            Tensor last = arange(queries, ScalarType.Int64).unsqueeze(1) + (lengths is null ? tensor(past) : lengths - queries);
            Add(column.le(last));
        }
        if (lengths is not null)
            Add(column.lt(lengths));
        return bias;

        void Add(Tensor seen)
        {
            Tensor hidden = AttentionCore.Hidden(seen, q.dtype);
            bias = bias is null ? hidden : bias + hidden;
        }
    }

    private static OperatorResult Flex(OperatorCall call)
    {
        AttentionCore core = new(call.Node.Attributes.ContainsKey("scale") ? call.Node.Float("scale", 1) : null)
        {
            ChangeScores = Body("score_mod"),
            ChangeProbabilities = Body("prob_mod"),
        };
        return core.Run(call[0], call[1], call[2], null).Result.alias();

        Func<Tensor, Tensor>? Body(string name) => call.Node.Body(name) is { } body ? x => (Tensor)call.Run.RunBody(body, [x])[0]! : null;
    }

    /// <summary>Attention without softmax: a state of [batch, heads, key size, value size] that decays, and that every step reads and writes.</summary>
    private static OperatorResult Linear(OperatorCall call)
    {
        Node node = call.Node;
        long heads = node.Int("q_num_heads", 1), keyHeads = node.Int("kv_num_heads", heads);
        string rule = node.Text("update_rule") ?? "gated_delta";
        Tensor q = AttentionCore.Split(call[0], heads), k = AttentionCore.Split(call[1], keyHeads), v = AttentionCore.Split(call[2], keyHeads);
        ScalarType given = q.dtype, wide = given == ScalarType.Float64 ? given : ScalarType.Float32;
        (q, k, v) = (q.to_type(wide), k.to_type(wide), v.to_type(wide));
        double scale = node.Float("scale", 0) is var s and not 0 ? s : 1 / Math.Sqrt(q.shape[3]);
        Tensor? decay = rule.Contains("gated", StringComparison.Ordinal) ? Steps(4) : null, beta = rule.Contains("delta", StringComparison.Ordinal) ? Steps(5) : null;
        Tensor state = call.Optional(3)?.to_type(wide) ?? zeros([q.shape[0], keyHeads, k.shape[3], v.shape[3]], wide);
        List<Tensor> outputs = [];
        for (long t = 0; t < q.shape[2]; t++)
        {
            Tensor key = k.select(2, t).unsqueeze(-1), written = v.select(2, t).unsqueeze(-2);
            if (decay is not null)
                state = state * decay.select(2, t).exp().unsqueeze(-1);
            if (beta is not null) // writes only what the state does not hold yet
                written = (written - matmul(key.transpose(-2, -1), state)) * beta.select(2, t).unsqueeze(-1);
            state = state + matmul(key, written);
            Tensor read = heads == keyHeads ? state : state.repeat_interleave(heads / keyHeads, 1);
            outputs.Add(matmul(q.select(2, t).unsqueeze(-2), read).squeeze(-2));
        }
        return (AttentionCore.Join(stack(outputs, 2) * scale).to_type(given), state.to_type(given));

        // [batch, length, heads · n] as [batch, heads, length, n]
        Tensor? Steps(int index) => call.Optional(index) is { } steps ? AttentionCore.Split(steps.to_type(wide), Math.Min(keyHeads, steps.shape[2])) : null;
    }

    /// <summary>Turns pairs of features by an angle that grows with the position.</summary>
    private static Tensor Rotary(OperatorCall call, Tensor x, Tensor cosines, Tensor sines, Tensor? positions)
    {
        long[] given = x.shape;
        bool flat = x.dim() == 3;
        if (flat)
        {
            long heads = call.Node.Int("num_heads", 0);
            if (heads == 0) // com.microsoft: the caches tell the size of a head
                heads = given[2] / (call.Node.Int("rotary_embedding_dim", 0) is var d and > 0 ? d : cosines.shape[^1] * 2);
            x = AttentionCore.Split(x, heads);
        }
        long size = x.shape[3], turned = call.Node.Int("rotary_embedding_dim", 0) is var some and > 0 ? some : size, half = turned / 2;
        Tensor cosine = Angles(cosines), sine = Angles(sines);
        Tensor part = x.narrow(3, 0, turned);
        bool interleaved = call.Node.Int("interleaved", 0) != 0;
        Tensor pairs = interleaved ? part.unflatten(3, half, 2) : part.unflatten(3, 2, half).transpose(3, 4);
        Tensor first = pairs.select(4, 0), second = pairs.select(4, 1);
        Tensor real = first * cosine - second * sine, imaginary = first * sine + second * cosine;
        Tensor result = interleaved ? stack([real, imaginary], 4).flatten(3) : cat([real, imaginary], 3);
        if (turned < size)
            result = cat([result, x.narrow(3, turned, size - turned)], 3);
        return flat ? AttentionCore.Join(result) : result;

        // [batch, 1, length, half]
        Tensor Angles(Tensor cache)
        {
            if (positions is null)
                return cache.narrow(-1, 0, half).unsqueeze(1);
            Tensor places = positions.to_type(ScalarType.Int64);
            if (places.numel() == 1 && x.shape[2] > 1) // com.microsoft: where the first stands
                places = (places.reshape(1, 1) + arange(x.shape[2], ScalarType.Int64)).expand(x.shape[0], x.shape[2]);
            return cache.index_select(0, places.flatten()).reshape([.. places.shape, cache.shape[1]]).narrow(-1, 0, half).unsqueeze(1);
        }
    }
}
