using Tersor.Onnx;

namespace Tersor.Testing;

/// <summary>BERT-base on 64 tokens, normalizations behind the sums. Source: Devlin et al. 2018, arXiv:1810.04805, section 3.</summary>
internal static class Bert
{
    public const int Vocabulary = 30522, Length = 64;

    private const int Width = 768, Heads = 12, Layers = 12, Positions = 512;

    /// <summary>The hidden states of the last layer and what the pooler makes of the first of them.</summary>
    public static (Value Hidden, Value Pooled) Build(TransformerNetwork net, Value tokens)
    {
        Value words = Embedding(Vocabulary, tokens);
        Value types = Embedding(2, net.Constant("token_type_ids", Tensor.Create([1, Length], new long[Length])));
        Value positions = Embedding(Positions, net.Constant("position_ids", Tensor.Create([1, Length], Enumerable.Range(0, Length).Select(i => (long)i).ToArray())));
        Value x = net.LayerNorm(net.Node("Add", [net.Node("Add", [words, types]), positions]), Width);
        for (int layer = 0; layer < Layers; layer++)
        {
            x = net.LayerNorm(net.Node("Add", [Attention(net, x), x]), Width);
            Value hidden = net.Gelu(net.Linear(x, Width, 4 * Width));
            x = net.LayerNorm(net.Node("Add", [net.Linear(hidden, 4 * Width, Width), x]), Width);
        }
        Value first = net.Node("Gather", [x, net.Constant("constant", Tensor.Scalar(0L))], ("axis", 1L));
        return (x, net.Node("Tanh", [net.Gemm(first, Width, Width, TransformerNetwork.Deviation)]));

        Value Embedding(int count, Value places) => net.Node("Gather", [net.Normal("embedding", TransformerNetwork.Deviation, count, Width), places]);
    }

    private static Value Attention(TransformerNetwork net, Value x)
    {
        Value query = net.Linear(x, Width, Width), key = net.Linear(x, Width, Width), values = net.Linear(x, Width, Width);
        Value keys = net.Transpose(net.Reshape(key, 1, Length, Heads, Width / Heads), 0, 2, 3, 1);
        Value mixed = net.Attend(net.Heads(query, Length, Heads, Width), keys, net.Heads(values, Length, Heads, Width), s => net.Node("Div", [s, net.Scalar(Math.Sqrt(Width / Heads))]), Length, Width);
        return net.Linear(mixed, Width, Width);
    }
}
