using Tersor.Onnx;

namespace Tersor.Testing;

/// <summary>SqueezeNet 1.1: no normalizations, concatenations, a convolution as classifier. Source: Iandola et al. 2016, arXiv:1602.07360, section 3; version 1.1 as in torchvision.</summary>
internal static class SqueezeNet
{
    public static Value Build(ConvolutionNetwork net, Features x)
    {
        x = net.MaxPool(net.Relu(net.Conv(x, 64, 3, stride: 2, bias: true, pad: 0)), pad: 0, ceil: true);
        x = net.MaxPool(Fire(net, Fire(net, x, 16, 64), 16, 64), pad: 0, ceil: true);
        x = net.MaxPool(Fire(net, Fire(net, x, 32, 128), 32, 128), pad: 0, ceil: true);
        x = Fire(net, Fire(net, Fire(net, Fire(net, x, 48, 192), 48, 192), 64, 256), 64, 256);
        return net.Pooled(net.Relu(net.Conv(x, 1000, 1, bias: true)));
    }

    private static Features Fire(ConvolutionNetwork net, Features x, int squeezed, int expanded)
    {
        Features inner = net.Relu(net.Conv(x, squeezed, 1, bias: true));
        return net.Concat(net.Relu(net.Conv(inner, expanded, 1, bias: true)), net.Relu(net.Conv(inner, expanded, 3, bias: true)));
    }
}
