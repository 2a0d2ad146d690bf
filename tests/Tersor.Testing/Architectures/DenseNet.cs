using Tersor.Onnx;

namespace Tersor.Testing;

/// <summary>DenseNet-121: every layer reads all before it, so that its first normalization has no convolution to be folded into. Source: Huang et al. 2016, arXiv:1608.06993, table 1.</summary>
internal static class DenseNet
{
    private const int Growth = 32;

    public static Value Build(ConvolutionNetwork net, Features x)
    {
        x = net.MaxPool(net.Relu(net.ConvNorm(x, 64, 7, stride: 2)));
        int[] depths = [6, 12, 24, 16];
        for (int stage = 0; stage < depths.Length; stage++)
        {
            List<Features> parts = [x];
            for (int layer = 0; layer < depths[stage]; layer++)
            {
                Features inner = net.ConvNorm(net.Relu(net.Norm(net.Concat([.. parts]))), 4 * Growth, 1);
                parts.Add(net.Conv(net.Relu(inner), Growth, 3));
            }
            x = net.Norm(net.Concat([.. parts]));
            if (stage < depths.Length - 1)
                x = net.AveragePool(net.Conv(net.Relu(x), x.Channels / 2, 1));
        }
        return net.Gemm(net.Pooled(net.Relu(x)), x.Channels, 1000, Math.Sqrt(1.0 / (3 * x.Channels)));
    }
}
