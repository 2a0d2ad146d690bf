using Tersor.Onnx;

namespace Tersor.Testing;

/// <summary>ConvNeXt-tiny at 224 pixels: depthwise 7x7 convolutions, normalizations and matrix products over the channels, which are last there. Source: Liu et al. 2022, arXiv:2201.03545, section 2 and table 9.</summary>
internal static class ConvNext
{
    private static readonly int[] Depths = [3, 3, 9, 3], Widths = [96, 192, 384, 768];

    public static Value Build(TransformerNetwork net, Value image)
    {
        Value x = Conv(net, image, 3, Widths[0], kernel: 4, stride: 4);
        for (int stage = 0; stage < Depths.Length; stage++)
        {
            int width = Widths[stage];
            x = stage == 0 ? ChannelsFirst(net, net.LayerNorm(ChannelsLast(net, x), width))
                : Conv(net, ChannelsFirst(net, net.LayerNorm(ChannelsLast(net, x), Widths[stage - 1])), Widths[stage - 1], width, kernel: 2, stride: 2);
            for (int block = 0; block < Depths[stage]; block++)
                x = net.Node("Add", [Block(net, x, width), x]);
        }
        Value pooled = net.Node("Flatten", [net.Node("GlobalAveragePool", [x])], ("axis", 1L));
        return net.Gemm(net.LayerNorm(pooled, Widths[^1]), Widths[^1], 1000, TransformerNetwork.Deviation);
    }

    private static Value Block(TransformerNetwork net, Value x, int width)
    {
        Value mixed = net.LayerNorm(ChannelsLast(net, Conv(net, x, width, width, kernel: 7, stride: 1, group: width)), width);
        Value inner = net.Linear(net.Gelu(net.Linear(mixed, width, 4 * width)), 4 * width, width);
        return ChannelsFirst(net, net.Node("Mul", [inner, net.Constant("layer_scale", Tensor.Vector(net.Numbers.Uniforms(width, 0.2, 1)))]));
    }

    private static Value ChannelsLast(TransformerNetwork net, Value x) => net.Transpose(x, 0, 2, 3, 1);

    private static Value ChannelsFirst(TransformerNetwork net, Value x) => net.Transpose(x, 0, 3, 1, 2);

    private static Value Conv(TransformerNetwork net, Value x, int inputs, int outputs, long kernel, long stride, int group = 1)
    {
        long pad = stride == 1 ? kernel / 2 : 0;
        Value weight = net.Normal("weight", Math.Sqrt(1.0 / (inputs / group * kernel * kernel)), outputs, inputs / group, kernel, kernel), bias = net.Normal("bias", TransformerNetwork.Deviation, outputs);
        return net.Node("Conv", [x, weight, bias], ("dilations", new[] { 1L, 1 }), ("group", (long)group), ("kernel_shape", new[] { kernel, kernel }), ("pads", new[] { pad, pad, pad, pad }), ("strides", new[] { stride, stride }));
    }
}
