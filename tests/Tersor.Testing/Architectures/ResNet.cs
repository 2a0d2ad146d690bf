using Tersor.Onnx;

namespace Tersor.Testing;

/// <summary>ResNet, with the stride in the 3x3 convolution. Source: He et al. 2015, arXiv:1512.03385, table 1.</summary>
internal static class ResNet
{
    public static Value Eighteen(ConvolutionNetwork net, Features x) => Build(net, x, [2, 2, 2, 2], expansion: 1);

    public static Value Fifty(ConvolutionNetwork net, Features x) => Build(net, x, [3, 4, 6, 3], expansion: 4);

    private static Value Build(ConvolutionNetwork net, Features x, int[] depths, int expansion)
    {
        x = net.MaxPool(net.Relu(net.ConvNorm(x, 64, 7, stride: 2)));
        for (int stage = 0; stage < depths.Length; stage++)
        {
            for (int block = 0; block < depths[stage]; block++)
                x = Block(net, x, 64 << stage, stage > 0 && block == 0 ? 2 : 1, expansion);
        }
        return net.Gemm(net.Pooled(x), x.Channels, 1000, Math.Sqrt(1.0 / (3 * x.Channels)));
    }

    private static Features Block(ConvolutionNetwork net, Features x, int width, int stride, int expansion)
    {
        int channels = width * expansion;
        Features y = expansion == 1
            ? net.ConvNorm(net.Relu(net.ConvNorm(x, width, 3, stride)), channels, 3)
            : net.ConvNorm(net.Relu(net.ConvNorm(net.Relu(net.ConvNorm(x, width, 1)), width, 3, stride)), channels, 1);
        Features shortcut = stride == 1 && x.Channels == channels ? x : net.ConvNorm(x, channels, 1, stride);
        return net.Relu(net.Add(y, shortcut));
    }
}
