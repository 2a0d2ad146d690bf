using TorchSharp;
using static Tersor.Training.Operators.Steps;
using static TorchSharp.torch;

namespace Tersor.Training.Operators;

/// <summary>Pooling over windows and over whole images.</summary>
internal static class Pooling
{
    public static IEnumerable<OperatorRow> Rows =>
    [
        new("AveragePool", 1, Scoped(Average)),
        new("GlobalAveragePool", 1, c => c[0].mean(Spatial(c[0]), keepdim: true)),
        new("GlobalLpPool", 1, Scoped(c => Root(c[0].abs().pow(Power(c)).sum(Spatial(c[0]), keepdim: true), Power(c)))),
        new("GlobalMaxPool", 1, c => c[0].amax(Spatial(c[0]), keepdim: true)),
        new("LpPool", 1, Scoped(Lp)),
        new("MaxPool", 1, Scoped(Max)),
        new("MaxUnpool", 9, Scoped(Unpool)),
    ];

    private static long[] Spatial(Tensor x) => [.. Enumerable.Range(2, (int)x.ndim - 2).Select(i => (long)i)];

    private static double Power(OperatorCall call) => call.Node.Int("p") ?? call.Node.Float("p", 2);

    /// <summary>The p-th root, with a gradient of zero where the sum is zero.</summary>
    private static Tensor Root(Tensor sums, double power)
    {
        if (power == 1)
            return sums;
        Tensor zero = sums == 0;
        return sums.masked_fill(zero, 1).pow(1 / power).masked_fill(zero, 0);
    }

    private static OperatorResult Average(OperatorCall call)
    {
        Tensor x = Wide(call[0]);
        long[] shape = x.shape;
        Window window = Window.Of(call, shape);
        bool ceiling = call.Node.Int("ceil_mode", 0) != 0, all = call.Node.Int("count_include_pad", 0) != 0;
        Tensor y;
        if (window.IsDense && IsNative(window))
        {
            y = window.Rank switch
            {
                1 => nn.functional.avg_pool1d(x, window.Kernel[0], window.Strides[0], window.Begins[0], ceiling, all),
                2 => nn.functional.avg_pool2d(x, window.Kernel, window.Strides, window.Begins, ceiling, all),
                3 => nn.functional.avg_pool3d(x, window.Kernel, window.Strides, window.Begins, ceiling, all),
                _ => throw call.Unsupported($"pooling over {window.Rank} axes"),
            };
        }
        else
        {
            Tensor counts;
            using (no_grad())
            {
                Tensor inside = ones([1, 1, .. shape[2..]], x.dtype);
                counts = Sums(call, all ? nn.functional.pad(inside, TorchPads(window.Begins, window.Ends), PaddingModes.Constant, 1) : inside, all ? window with { Begins = new long[window.Rank], Ends = new long[window.Rank] } : window, Beyond(window, shape, ceiling));
            }
            y = Sums(call, x, window, Beyond(window, shape, ceiling)) / counts;
        }
        return As(y, call[0].dtype);
    }

    /// <summary>What libtorch's own pooling can pad.</summary>
    private static bool IsNative(Window window) => window.IsSymmetric && window.Begins.Select((b, i) => b >= 0 && b <= window.Kernel[i] / 2).All(fits => fits);

    /// <summary>How far the last windows reach beyond the padding.</summary>
    private static long[] Beyond(Window window, long[] shape, bool ceiling) => [.. Enumerable.Range(0, window.Rank).Select(i =>
        Math.Max((window.Count(i, shape[i + 2], ceiling) - 1) * window.Strides[i] + window.Extent(i) - shape[i + 2] - window.Begins[i] - window.Ends[i], 0))];

    /// <summary>Sums over windows of a tensor that is padded with zeros.</summary>
    private static Tensor Sums(OperatorCall call, Tensor x, Window window, long[] beyond)
    {
        long[] shape = x.shape;
        Tensor images = nn.functional.pad(x.reshape([shape[0] * shape[1], 1, .. shape[2..]]), TorchPads(window.Begins, [.. window.Ends.Zip(beyond, (e, b) => e + b)]));
        Tensor kernel = ones([1, 1, .. window.Kernel], x.dtype);
        Tensor sums = window.Rank switch
        {
            1 => nn.functional.conv1d(images, kernel, null, window.Strides[0], 0, window.Dilations[0]),
            2 => nn.functional.conv2d(images, kernel, null, window.Strides, null, window.Dilations),
            3 => nn.functional.conv3d(images, kernel, null, window.Strides, null, window.Dilations),
            _ => throw call.Unsupported($"pooling over {window.Rank} axes"),
        };
        return sums.reshape([shape[0], shape[1], .. sums.shape[2..]]);
    }

    private static OperatorResult Lp(OperatorCall call)
    {
        Tensor x = Wide(call[0]);
        Window window = Window.Of(call, x.shape);
        double power = Power(call);
        Tensor sums = Sums(call, x.abs().pow(power), window, Beyond(window, x.shape, call.Node.Int("ceil_mode", 0) != 0));
        return As(Root(sums, power), call[0].dtype);
    }

    private static OperatorResult Max(OperatorCall call)
    {
        Tensor x = call[0];
        ScalarType type = x.dtype;
        long[] shape = x.shape;
        Window window = Window.Of(call, shape);
        bool ceiling = call.Node.Int("ceil_mode", 0) != 0;
        x = x.is_floating_point() ? Wide(x) : As(x, ScalarType.Float32);
        long[] pads = window.Begins, ends = window.Ends;
        if (!IsNative(window))
        {
            long[] beyond = Beyond(window, shape, ceiling);
            x = nn.functional.pad(x, TorchPads(window.Begins, [.. window.Ends.Zip(beyond, (e, b) => e + b)]), PaddingModes.Constant, double.NegativeInfinity);
            (pads, ceiling) = (new long[window.Rank], false);
        }
        if (call.Node.Output(1) is null)
        {
            Tensor only = window.Rank switch
            {
                1 => nn.functional.max_pool1d(x, window.Kernel[0], window.Strides[0], pads[0], window.Dilations[0], ceiling),
                2 => nn.functional.max_pool2d(x, window.Kernel, window.Strides, pads, window.Dilations, ceiling),
                3 => nn.functional.max_pool3d(x, window.Kernel, window.Strides, pads, window.Dilations, ceiling),
                _ => throw call.Unsupported($"pooling over {window.Rank} axes"),
            };
            return As(only, type);
        }
        (Tensor y, Tensor index) = window.Rank switch
        {
            1 => nn.functional.max_pool1d_with_indices(x, window.Kernel[0], window.Strides[0], pads[0], window.Dilations[0], ceiling),
            2 => nn.functional.max_pool2d_with_indices(x, window.Kernel, window.Strides, pads, window.Dilations, ceiling),
            3 => nn.functional.max_pool3d_with_indices(x, window.Kernel, window.Strides, pads, window.Dilations, ceiling),
            _ => throw call.Unsupported($"pooling over {window.Rank} axes"),
        };
        return (As(y, type), Positions(index, x.shape, shape, IsNative(window) ? new long[window.Rank] : window.Begins, call.Node.Int("storage_order", 0) != 0));
    }

    /// <summary>Positions in a padded image made positions in the whole tensor.</summary>
    private static Tensor Positions(Tensor index, long[] padded, long[] shape, long[] begins, bool columnsFirst)
    {
        int rank = begins.Length;
        Tensor position = arange(shape[0] * shape[1], ScalarType.Int64).reshape([shape[0], shape[1], .. Repeat(1, rank)]) * Product(shape[2..]);
        for (int i = rank - 1; i >= 0; i--)
        {
            Tensor coordinate = index.remainder(padded[i + 2]) - begins[i];
            index = index.div(padded[i + 2], RoundingMode.floor);
            position = position + coordinate * (columnsFirst ? Product(shape[2..(i + 2)]) : Product(shape[(i + 3)..]));
        }
        return position;
    }

    private static OperatorResult Unpool(OperatorCall call)
    {
        Tensor x = call[0];
        long[] shape = x.shape;
        Window window = Window.Of(call, shape);
        long[] whole = [shape[0], shape[1], .. Enumerable.Range(0, window.Rank).Select(i => (shape[i + 2] - 1) * window.Strides[i] - window.Begins[i] - window.Ends[i] + window.Kernel[i])];
        Tensor y = zeros(Product(whole), x.dtype).scatter(0, call[1].flatten(), x.flatten()).reshape(whole);
        if (call.OptionalLongs(2) is { } wanted)
            y = nn.functional.pad(y, TorchPads(new long[window.Rank], [.. Enumerable.Range(2, window.Rank).Select(i => wanted[i] - whole[i])]));
        return y;
    }
}
