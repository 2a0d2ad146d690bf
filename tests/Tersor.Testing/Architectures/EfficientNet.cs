using Tersor.Onnx;

namespace Tersor.Testing;

/// <summary>EfficientNet-B0. Source: Tan and Le 2019, arXiv:1905.11946, table 1.</summary>
internal static class EfficientNet
{
    public static Value Build(ConvolutionNetwork net, Features x)
    {
        x = net.Silu(net.ConvNorm(x, 32, 3, stride: 2));
        foreach ((int factor, int kernel, int first, int channels, int depth) in new[] { (1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3), (6, 5, 2, 192, 4), (6, 3, 1, 320, 1) })
        {
            for (int block = 0; block < depth; block++)
                x = Bottleneck(net, x, factor, kernel, block == 0 ? first : 1, channels);
        }
        x = net.Silu(net.ConvNorm(x, 1280, 1));
        return net.Gemm(net.Pooled(x), x.Channels, 1000, Math.Sqrt(1.0 / 3000));
    }

    private static Features Bottleneck(ConvolutionNetwork net, Features x, int factor, int kernel, int stride, int channels)
    {
        int wide = factor * x.Channels;
        Features y = factor == 1 ? x : net.Silu(net.ConvNorm(x, wide, 1));
        y = net.Silu(net.ConvNorm(y, wide, kernel, stride, group: wide));
        y = net.ConvNorm(net.SqueezeExcite(y, x.Channels / 4, net.Silu, net.Sigmoid), channels, 1);
        return stride == 1 && x.Channels == channels ? net.Add(y, x) : y;
    }
}
