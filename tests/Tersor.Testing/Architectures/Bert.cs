using Tersor.Onnx;

namespace Tersor.Testing;

/// <summary>Encoders of the kind of BERT on 64 tokens, normalizations behind the sums. Source: Devlin et al. 2018, arXiv:1810.04805, section 3.</summary>
/// <param name="width">Of hidden states.</param>
/// <param name="layers">Layers, of 12 heads each.</param>
internal sealed class Bert(int width, int layers)
{
    public const int Vocabulary = 30522, Length = 64;

    private const int Heads = 12, Positions = 512;

    /// <summary>BERT-base.</summary>
    public static Bert Base { get; } = new(768, 12);

    /// <summary>A sentence encoder of the usual small size: the mean of its last hidden states is the sentence's embedding. Source: Reimers and Gurevych 2019, arXiv:1908.10084, section 3.</summary>
    public static Bert Sentence { get; } = new(384, 6);

    /// <summary>The hidden states of the last layer and what the pooler makes of the first of them.</summary>
    public (Value Hidden, Value Pooled) Build(TransformerNetwork net, Value tokens)
    {
        Value x = Encode(net, tokens);
        Value first = net.Node("Gather", [x, net.Constant("constant", Tensor.Scalar(0L))], ("axis", 1L));
        return (x, net.Node("Tanh", [net.Gemm(first, width, width, TransformerNetwork.Deviation)]));
    }

    /// <summary>The mean of the last hidden states, as long as 1.</summary>
    public Value Embed(TransformerNetwork net, Value tokens)
    {
        Value mean = net.Node("ReduceMean", [Encode(net, tokens)], ("axes", new[] { 1L }), ("keepdims", 0L));
        return net.Node("Div", [mean, net.Node("ReduceL2", [mean], ("axes", new[] { 1L }), ("keepdims", 1L))]);
    }

    private Value Encode(TransformerNetwork net, Value tokens)
    {
        Value words = Embedding(Vocabulary, tokens);
        Value types = Embedding(2, net.Constant("token_type_ids", Tensor.Create([1, Length], new long[Length])));
        Value positions = Embedding(Positions, net.Constant("position_ids", Tensor.Create([1, Length], Enumerable.Range(0, Length).Select(i => (long)i).ToArray())));
        Value x = net.LayerNorm(net.Node("Add", [net.Node("Add", [words, types]), positions]), width);
        for (int layer = 0; layer < layers; layer++)
        {
            x = net.LayerNorm(net.Node("Add", [Attention(net, x), x]), width);
            Value hidden = net.Gelu(net.Linear(x, width, 4 * width));
            x = net.LayerNorm(net.Node("Add", [net.Linear(hidden, 4 * width, width), x]), width);
        }
        return x;

        Value Embedding(int count, Value places) => net.Node("Gather", [net.Normal("embedding", TransformerNetwork.Deviation, count, width), places]);
    }

    private Value Attention(TransformerNetwork net, Value x)
    {
        Value query = net.Linear(x, width, width), key = net.Linear(x, width, width), values = net.Linear(x, width, width);
        Value keys = net.Transpose(net.Reshape(key, 1, Length, Heads, width / Heads), 0, 2, 3, 1);
        Value mixed = net.Attend(net.Heads(query, Length, Heads, width), keys, net.Heads(values, Length, Heads, width), s => net.Node("Div", [s, net.Scalar(Math.Sqrt(width / Heads))]), Length, width);
        return net.Linear(mixed, width, width);
    }
}
