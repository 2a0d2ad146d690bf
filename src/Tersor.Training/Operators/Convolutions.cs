using Tersor.Onnx;
using static Tersor.Training.Operators.Steps;
using static TorchSharp.torch;

namespace Tersor.Training.Operators;

/// <summary>Convolutions over one to three spatial axes.</summary>
internal static class Convolutions
{
    public static IEnumerable<OperatorRow> Rows =>
    [
        new("Conv", 1, Scoped(Convolution)),
        new("ConvInteger", 10, Scoped(Integer)),
        new("ConvTranspose", 1, Scoped(Transposed)),
        new("QLinearConv", 10, Scoped(Quantized)),
    ];

    private static OperatorResult Convolution(OperatorCall call)
    {
        Tensor x = call[0];
        Tensor y = Convolve(call, Wide(x), Wide(call[1]), call.Optional(2) is { } bias ? Wide(bias) : null);
        return As(y, x.dtype);
    }

    private static Tensor Convolve(OperatorCall call, Tensor x, Tensor weight, Tensor? bias)
    {
        Window window = Window.Of(call, x.shape, call.Node.Ints("kernel_shape") ?? weight.shape[2..]);
        long groups = call.Node.Int("group", 1);
        long[] pads = window.Begins;
        if (!window.IsSymmetric)
        {
            x = nn.functional.pad(x, TorchPads(window.Begins, window.Ends));
            pads = new long[window.Rank];
        }
        return window.Rank switch
        {
            1 => nn.functional.conv1d(x, weight, bias, window.Strides[0], pads[0], window.Dilations[0], groups),
            2 => nn.functional.conv2d(x, weight, bias, window.Strides, pads, window.Dilations, groups),
            3 => nn.functional.conv3d(x, weight, bias, window.Strides, pads, window.Dilations, groups),
            _ => throw call.Unsupported($"a convolution over {window.Rank} axes"),
        };
    }

    private static OperatorResult Transposed(OperatorCall call)
    {
        Tensor x = Wide(call[0]), weight = Wide(call[1]);
        Tensor? bias = call.Optional(2) is { } given ? Wide(given) : null;
        long[] shape = x.shape, kernel = weight.shape[2..];
        int rank = kernel.Length;
        long groups = call.Node.Int("group", 1);
        (Window window, long[] extra) = TransposedWindow(call, shape, kernel);
        // libtorch lengthens the end only by less than a step.
        bool native = window.IsSymmetric && window.Begins.All(p => p >= 0) && extra.Select((e, i) => e >= 0 && (e == 0 || e < Math.Max(window.Strides[i], window.Dilations[i]))).All(fits => fits);
        long[] pads = native ? window.Begins : new long[rank], longer = native ? extra : new long[rank];
        Tensor? inner = native ? bias : null;
        Tensor y = rank switch
        {
            1 => nn.functional.conv_transpose1d(x, weight, inner, window.Strides[0], pads[0], longer[0], window.Dilations[0], groups),
            2 => nn.functional.conv_transpose2d(x, weight, inner, window.Strides, pads, longer, window.Dilations, groups),
            3 => nn.functional.conv_transpose3d(x, weight, inner, window.Strides, pads, longer, window.Dilations, groups),
            _ => throw call.Unsupported($"a convolution over {rank} axes"),
        };
        if (!native)
        {
            y = nn.functional.pad(y, TorchPads([.. window.Begins.Select(b => -b)], [.. window.Ends.Select((e, i) => extra[i] - e)]));
            if (bias is not null)
                y = y + bias.reshape([-1, .. Repeat(1, rank)]);
        }
        return As(y, call[0].dtype);
    }

    /// <summary>The window of a transposed convolution, and by how much its output is longer at the end.</summary>
    private static (Window Window, long[] Extra) TransposedWindow(OperatorCall call, long[] shape, long[] kernel)
    {
        int rank = kernel.Length;
        Node node = call.Node;
        string padding = node.Text("auto_pad") ?? "NOTSET";
        long[] extra = node.Ints("output_padding") ?? new long[rank], pads = padding == "NOTSET" ? node.Ints("pads") ?? new long[2 * rank] : new long[2 * rank];
        Window window = new(kernel, node.Ints("strides") ?? Repeat(1, rank), node.Ints("dilations") ?? Repeat(1, rank), pads[..rank], pads[rank..]);
        bool same = padding.StartsWith("SAME", StringComparison.Ordinal);
        if (node.Ints("output_shape") is not { } wanted)
        {
            if (!same)
                return (window, extra);
            wanted = [.. window.Strides.Select((s, i) => s * shape[i + 2])];
        }
        extra = (long[])extra.Clone();
        long[] begins = new long[rank], ends = new long[rank];
        for (int i = 0; i < rank; i++)
        {
            long total = window.Strides[i] * (shape[i + 2] - 1) + extra[i] + window.Extent(i) - wanted[^(rank - i)];
            if (total < 0)
                (extra[i], total) = (extra[i] - total, 0);
            (begins[i], ends[i]) = padding == "SAME_UPPER" ? (total / 2, total - total / 2) : (total - total / 2, total / 2);
        }
        return (window with { Begins = begins, Ends = ends }, extra);
    }

    private static OperatorResult Integer(OperatorCall call)
    {
        Tensor sums = Sums(call, call[0], call.Optional(2), call[1], call.Optional(3));
        return call[0].is_floating_point() || call[1].is_floating_point() ? sums : sums.to_type(ScalarType.Int32);
    }

    /// <summary>Sums of products of integers, exact: in double precision, or in the type integers are carried in so that gradients flow.</summary>
    private static Tensor Sums(OperatorCall call, Tensor x, Tensor? xZero, Tensor weight, Tensor? weightZero)
    {
        ScalarType type = x.is_floating_point() ? x.dtype : weight.is_floating_point() ? weight.dtype : ScalarType.Float64;
        x = As(x, type);
        weight = As(weight, type);
        if (xZero is not null)
            x = x - As(xZero, type);
        if (weightZero is not null)
            weight = weight - PerChannel(As(weightZero, type), weight.ndim, 0);
        return Convolve(call, x, weight, null);
    }

    /// <summary>Source: ONNX QLinearConv-10. The bias has scale x_scale · w_scale and zero point 0.</summary>
    private static OperatorResult Quantized(OperatorCall call)
    {
        Tensor x = call[0], weight = call[3];
        Tensor sums = Sums(call, x, call[2], weight, call[5]);
        if (call.Optional(8) is { } bias)
            sums = sums + PerChannel(As(bias, sums.dtype), sums.ndim, 1);
        Tensor scale = PerChannel(As(call[1], sums.dtype) * As(call[4], sums.dtype) / As(call[6], sums.dtype), sums.ndim, 1);
        ScalarType zeroType = call[7].dtype;
        ElementType? declared = (call.Node.Input(7)?.Type as OnnxType.Tensor)?.ElementType ?? call.Node.Input(7)?.Tensor?.Type;
        (double low, double high) = zeroType == ScalarType.Int8 || declared == ElementType.Int8 ? (-128, 127) : (0, 255);
        Tensor y = (sums * scale + As(call[7], sums.dtype)).clamp(low, high);
        if (!x.is_floating_point() && !weight.is_floating_point())
            return y.round().to_type(zeroType);
        using (no_grad())
            scale = y.round() - y;
        return y + scale; // rounds, and lets gradients pass
    }

    /// <summary>One number, or one for each index of an axis, as something that broadcasts against a tensor.</summary>
    private static Tensor PerChannel(Tensor numbers, long rank, int axis) => numbers.numel() == 1 ? numbers.reshape([]) : numbers.reshape([.. Repeat(1, axis), -1, .. Repeat(1, (int)rank - axis - 1)]);
}
