using Tersor.Onnx;

namespace Tersor.Testing;

/// <summary>A small GPT-2: layers as Gemm between two Reshape, a mask by Where, the embedding's transpose as the last layer. Source: Radford et al. 2019, Language models are unsupervised multitask learners, section 2.3.</summary>
internal static class Gpt
{
    public const int Vocabulary = 8192, Length = 64;

    private const int Width = 384, Heads = 6, Layers = 8;

    public static Value Build(TransformerNetwork net, Value tokens)
    {
        Value embedding = net.Normal("wte", TransformerNetwork.Deviation, Vocabulary, Width);
        Value positions = net.Constant("position_ids", Tensor.Create([1, Length], Enumerable.Range(0, Length).Select(i => (long)i).ToArray()));
        Value x = net.Node("Add", [net.Node("Gather", [embedding, tokens]), net.Node("Gather", [net.Normal("wpe", TransformerNetwork.Deviation, Length, Width), positions])]);
        for (int layer = 0; layer < Layers; layer++)
        {
            x = net.Node("Add", [Attention(net, net.LayerNorm(x, Width)), x]);
            Value hidden = net.TanhGelu(Layer(net, net.LayerNorm(x, Width), Width, 4 * Width));
            x = net.Node("Add", [x, Layer(net, hidden, 4 * Width, Width)]);
        }
        return net.Node("MatMul", [net.LayerNorm(x, Width), net.Constant("lm_head", Transposed(embedding.Tensor!))]);
    }

    private static Value Attention(TransformerNetwork net, Value x)
    {
        Value[] parts = net.Nodes("Split", 3, [Layer(net, x, Width, 3 * Width), net.Integers(Width, Width, Width)], ("axis", 2L));
        Value keys = net.Transpose(net.Heads(parts[1], Length, Heads, Width), 0, 1, 3, 2);
        Value mixed = net.Attend(net.Heads(parts[0], Length, Heads, Width), keys, net.Heads(parts[2], Length, Heads, Width), Scores, Length, Width);
        return Layer(net, mixed, Width, Width);

        Value Scores(Value products)
        {
            bool[] visible = [.. Enumerable.Range(0, Length * Length).Select(i => i % Length <= i / Length)];
            Value scaled = net.Node("Div", [products, net.Scalar(Math.Sqrt(Width / Heads))]);
            return net.Node("Where", [net.Constant("mask", Tensor.Create([1, 1, Length, Length], visible)), scaled, net.Scalar(float.MinValue)]);
        }
    }

    private static Value Layer(TransformerNetwork net, Value x, int inputs, int outputs)
    {
        Value weight = net.Normal("weight", TransformerNetwork.Deviation, inputs, outputs), bias = net.Normal("bias", TransformerNetwork.Deviation, outputs);
        return net.Reshape(net.Node("Gemm", [net.Reshape(x, -1, inputs), weight, bias], ("alpha", 1f), ("beta", 1f)), 1, Length, outputs);
    }

    private static Tensor Transposed(Tensor matrix)
    {
        (int rows, int columns) = ((int)matrix.Shape[0], (int)matrix.Shape[1]);
        ReadOnlySpan<float> source = matrix.Span<float>();
        float[] values = new float[source.Length];
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
                values[column * rows + row] = source[row * columns + column];
        }
        return Tensor.Create([columns, rows], values);
    }
}
