using Tersor.Onnx;

namespace Tersor.Testing;

/// <summary>ViT-B/16 at 224 pixels, query, key and value in one product. Source: Dosovitskiy et al. 2020, arXiv:2010.11929, table 1.</summary>
internal static class VisionTransformer
{
    private const int Width = 768, Heads = 12, Layers = 12, Patch = 16, Patches = 14 * 14, Length = Patches + 1;

    public static Value Build(TransformerNetwork net, Value image)
    {
        Value kernel = net.Normal("weight", Math.Sqrt(1.0 / (3 * Patch * Patch)), Width, 3, Patch, Patch), bias = net.Normal("bias", TransformerNetwork.Deviation, Width);
        Value patches = net.Node("Conv", [image, kernel, bias], ("dilations", new[] { 1L, 1 }), ("group", 1L), ("kernel_shape", new long[] { Patch, Patch }), ("pads", new[] { 0L, 0, 0, 0 }), ("strides", new long[] { Patch, Patch }));
        Value tokens = net.Transpose(net.Reshape(patches, 1, Width, Patches), 0, 2, 1);
        Value x = net.Node("Concat", [net.Normal("class_token", TransformerNetwork.Deviation, 1, 1, Width), tokens], ("axis", 1L));
        x = net.Node("Add", [x, net.Normal("pos_embedding", TransformerNetwork.Deviation, 1, Length, Width)]);
        for (int layer = 0; layer < Layers; layer++)
        {
            x = net.Node("Add", [x, Attention(net, net.LayerNorm(x, Width))]);
            Value hidden = net.Gelu(net.Linear(net.LayerNorm(x, Width), Width, 4 * Width));
            x = net.Node("Add", [x, net.Linear(hidden, 4 * Width, Width)]);
        }
        Value first = net.Node("Gather", [net.LayerNorm(x, Width), net.Constant("constant", Tensor.Scalar(0L))], ("axis", 1L));
        return net.Gemm(first, Width, 1000, TransformerNetwork.Deviation);
    }

    private static Value Attention(TransformerNetwork net, Value x)
    {
        Value all = net.Transpose(net.Reshape(net.Linear(x, Width, 3 * Width), 1, Length, 3, Heads, Width / Heads), 2, 0, 3, 1, 4);
        Value[] parts = [.. Enumerable.Range(0, 3).Select(i => net.Node("Gather", [all, net.Constant("constant", Tensor.Scalar((long)i))], ("axis", 0L)))];
        Value query = net.Node("Mul", [parts[0], net.Scalar(1 / Math.Sqrt(Width / Heads))]);
        return net.Linear(net.Attend(query, net.Transpose(parts[1], 0, 1, 3, 2), parts[2], scores => scores, Length, Width), Width, Width);
    }
}
