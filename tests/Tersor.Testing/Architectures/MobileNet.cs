using Tersor.Onnx;

namespace Tersor.Testing;

/// <summary>MobileNetV2 and MobileNetV3-large: thin layers between wide depthwise ones. Source: Sandler et al. 2018, arXiv:1801.04381, table 2; Howard et al. 2019, arXiv:1905.02244, table 1.</summary>
internal static class MobileNet
{
    private sealed record Row(int Kernel, int Expanded, int Channels, bool Excite, bool HardSwish, int Stride);

    public static Value Two(ConvolutionNetwork net, Features x)
    {
        x = net.Relu6(net.ConvNorm(x, 32, 3, stride: 2));
        foreach ((int factor, int channels, int depth, int first) in new[] { (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1) })
        {
            for (int block = 0; block < depth; block++)
            {
                int stride = block == 0 ? first : 1, wide = factor * x.Channels;
                Features y = wide == x.Channels ? x : net.Relu6(net.ConvNorm(x, wide, 1));
                y = net.ConvNorm(net.Relu6(net.ConvNorm(y, wide, 3, stride, group: wide)), channels, 1);
                x = stride == 1 && x.Channels == channels ? net.Add(x, y) : y;
            }
        }
        x = net.Relu6(net.ConvNorm(x, 1280, 1));
        return net.Gemm(net.Pooled(x), x.Channels, 1000, 0.01);
    }

    public static Value ThreeLarge(ConvolutionNetwork net, Features x)
    {
        Row[] rows =
        [
            new(3, 16, 16, false, false, 1),
            new(3, 64, 24, false, false, 2), new(3, 72, 24, false, false, 1),
            new(5, 72, 40, true, false, 2), new(5, 120, 40, true, false, 1), new(5, 120, 40, true, false, 1),
            new(3, 240, 80, false, true, 2), new(3, 200, 80, false, true, 1), new(3, 184, 80, false, true, 1), new(3, 184, 80, false, true, 1),
            new(3, 480, 112, true, true, 1), new(3, 672, 112, true, true, 1),
            new(5, 672, 160, true, true, 2), new(5, 960, 160, true, true, 1), new(5, 960, 160, true, true, 1),
        ];
        x = net.HardSwish(net.ConvNorm(x, 16, 3, stride: 2));
        foreach (Row row in rows)
            x = Bottleneck(net, x, row);
        x = net.HardSwish(net.ConvNorm(x, 960, 1));
        Features hidden = new(net.Gemm(net.Pooled(x), 960, 1280, Math.Sqrt(1.0 / (3 * 960))), 1280);
        return net.Gemm(net.HardSwish(hidden).Value, 1280, 1000, 0.01);
    }

    private static Features Bottleneck(ConvolutionNetwork net, Features x, Row row)
    {
        Func<Features, Features> activation = row.HardSwish ? net.HardSwish : net.Relu;
        Features y = row.Expanded == x.Channels ? x : activation(net.ConvNorm(x, row.Expanded, 1));
        y = activation(net.ConvNorm(y, row.Expanded, row.Kernel, row.Stride, group: row.Expanded));
        if (row.Excite)
            y = net.SqueezeExcite(y, Divisible(row.Expanded / 4), net.Relu, net.HardSigmoid);
        y = net.ConvNorm(y, row.Channels, 1);
        return row.Stride == 1 && x.Channels == row.Channels ? net.Add(y, x) : y;
    }

    /// <summary>The nearest multiple of 8 that is not more than a tenth smaller.</summary>
    private static int Divisible(int channels)
    {
        int rounded = Math.Max(8, (channels + 4) / 8 * 8);
        return rounded < 0.9 * channels ? rounded + 8 : rounded;
    }
}
