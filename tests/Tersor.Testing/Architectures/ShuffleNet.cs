using Tersor.Onnx;

namespace Tersor.Testing;

/// <summary>ShuffleNetV2, width 1.0. Source: Ma et al. 2018, arXiv:1807.11164, table 5.</summary>
internal static class ShuffleNet
{
    public static Value Build(ConvolutionNetwork net, Features x, long batch)
    {
        x = net.MaxPool(net.Relu(net.ConvNorm(x, 24, 3, stride: 2)));
        int size = 28;
        foreach ((int channels, int depth) in new[] { (116, 4), (232, 8), (464, 4) })
        {
            x = Shuffle(net, Reducing(net, x, channels), batch, size);
            for (int block = 1; block < depth; block++)
                x = Shuffle(net, Unit(net, x), batch, size);
            size /= 2;
        }
        x = net.Relu(net.ConvNorm(x, 1024, 1));
        Value pooled = net.Node("ReduceMean", [x.Value], ("axes", new[] { 2L, 3 }), ("keepdims", 0L));
        return net.Gemm(pooled, x.Channels, 1000, Math.Sqrt(1.0 / (3 * x.Channels)));
    }

    private static Features Reducing(ConvolutionNetwork net, Features x, int channels)
    {
        Features left = net.Relu(net.ConvNorm(net.ConvNorm(x, x.Channels, 3, stride: 2, group: x.Channels), channels / 2, 1));
        return net.Concat(left, Branch(net, x, channels / 2, stride: 2));
    }

    private static Features Unit(ConvolutionNetwork net, Features x)
    {
        int half = x.Channels / 2;
        Value[] halves = net.Nodes("Split", 2, [x.Value, net.Integers(half, half)], ("axis", 1L));
        return net.Concat(new(halves[0], half), Branch(net, new(halves[1], half), half, stride: 1));
    }

    private static Features Branch(ConvolutionNetwork net, Features x, int channels, int stride)
    {
        x = net.Relu(net.ConvNorm(x, channels, 1));
        return net.Relu(net.ConvNorm(net.ConvNorm(x, channels, 3, stride, group: channels), channels, 1));
    }

    /// <summary>Channels of the two halves in turn.</summary>
    private static Features Shuffle(ConvolutionNetwork net, Features x, long batch, int size) => x with
    {
        Value = net.Reshape(net.Transpose(net.Reshape(x.Value, batch, 2, x.Channels / 2, size, size), 0, 2, 1, 3, 4), batch, x.Channels, size, size),
    };
}
