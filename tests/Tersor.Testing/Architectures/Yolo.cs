using Tersor.Onnx;

namespace Tersor.Testing;

/// <summary>YOLOv8n, a detector: boxes and scores of 80 classes for every cell of three grids, as exports have them without suppression of overlaps.</summary>
/// <remarks>Source: Jocher et al. 2023, Ultralytics YOLO 8.0, yolov8.yaml at scale n. The sides of a box are distributions over 16 distances: Li et al. 2020, arXiv:2006.04388.</remarks>
internal static class Yolo
{
    /// <summary>Pixels a side. The published figures are for 640.</summary>
    public const int ImageSize = 320;

    /// <summary>Rows of the result: 4 numbers of the box, a score a class.</summary>
    public const int Rows = 4 + Classes;

    private const int Classes = 80, Distances = 16;

    private static readonly int[] Strides = [8, 16, 32];

    /// <summary>Cells of the three grids.</summary>
    public static int Cells => Strides.Sum(s => ImageSize / s * (ImageSize / s));

    public static Value Build(ConvolutionNetwork net, Features x, long batch)
    {
        x = Silu(net, x, 16, 3, stride: 2);
        x = Stage(net, Silu(net, x, 32, 3, stride: 2), 32, depth: 1, shortcut: true);
        Features small = Stage(net, Silu(net, x, 64, 3, stride: 2), 64, depth: 2, shortcut: true);
        Features middle = Stage(net, Silu(net, small, 128, 3, stride: 2), 128, depth: 2, shortcut: true);
        Features large = Pyramid(net, Stage(net, Silu(net, middle, 256, 3, stride: 2), 256, depth: 1, shortcut: true));
        Features down = Stage(net, net.Concat(Upsample(net, large), middle), 128, depth: 1, shortcut: false);
        Features first = Stage(net, net.Concat(Upsample(net, down), small), 64, depth: 1, shortcut: false);
        Features second = Stage(net, net.Concat(Silu(net, first, 64, 3, stride: 2), down), 128, depth: 1, shortcut: false);
        Features third = Stage(net, net.Concat(Silu(net, second, 128, 3, stride: 2), large), 256, depth: 1, shortcut: false);
        return Detect(net, [first, second, third], batch);
    }

    private static Features Silu(ConvolutionNetwork net, Features x, int channels, int kernel, int stride = 1) => net.Silu(net.ConvNorm(x, channels, kernel, stride));

    /// <summary>C2f: two halves, one of which goes through a chain of bottlenecks whose results are all kept.</summary>
    private static Features Stage(ConvolutionNetwork net, Features x, int channels, int depth, bool shortcut)
    {
        int half = channels / 2;
        Value[] halves = net.Nodes("Split", 2, [Silu(net, x, channels, 1).Value, net.Integers(half, half)], ("axis", 1L));
        List<Features> parts = [.. halves.Select(v => new Features(v, half))];
        for (int i = 0; i < depth; i++)
        {
            Features y = Silu(net, Silu(net, parts[^1], half, 3), half, 3);
            parts.Add(shortcut ? net.Add(parts[^1], y) : y);
        }
        return Silu(net, net.Concat([.. parts]), channels, 1);
    }

    /// <summary>SPPF: maxima over windows of 5, 9 and 13 as a chain of three poolings.</summary>
    private static Features Pyramid(ConvolutionNetwork net, Features x)
    {
        List<Features> parts = [Silu(net, x, x.Channels / 2, 1)];
        for (int i = 0; i < 3; i++)
            parts.Add(parts[0] with { Value = net.Node("MaxPool", [parts[^1].Value], ("kernel_shape", new[] { 5L, 5 }), ("pads", new[] { 2L, 2, 2, 2 }), ("strides", new[] { 1L, 1 })) });
        return Silu(net, net.Concat([.. parts]), x.Channels, 1);
    }

    private static Features Upsample(ConvolutionNetwork net, Features x) => x with
    {
        Value = net.Node("Resize", [x.Value, null, net.Constant("scales", Tensor.Vector([1f, 1, 2, 2]))], ("coordinate_transformation_mode", "asymmetric"), ("mode", "nearest"), ("nearest_mode", "floor")),
    };

    private static Value Detect(ConvolutionNetwork net, Features[] levels, long batch)
    {
        const int BoxWidth = 64, ScoreWidth = 80;
        Value[] flat = [.. levels.Select(level =>
        {
            Features box = net.Conv(Silu(net, Silu(net, level, BoxWidth, 3), BoxWidth, 3), 4 * Distances, 1, bias: true);
            Features score = net.Conv(Silu(net, Silu(net, level, ScoreWidth, 3), ScoreWidth, 3), Classes, 1, bias: true);
            return net.Reshape(net.Concat(box, score).Value, batch, 4 * Distances + Classes, -1);
        })];
        Value[] parts = net.Nodes("Split", 2, [net.Node("Concat", [.. flat], ("axis", 2L)), net.Integers(4 * Distances, Classes)], ("axis", 1L));
        return net.Node("Concat", [Boxes(net, parts[0], batch), net.Node("Sigmoid", [parts[1]])], ("axis", 1L));
    }

    /// <summary>The mean of each side's distribution, as a convolution with the distances as weights; then center and size in pixels.</summary>
    private static Value Boxes(ConvolutionNetwork net, Value logits, long batch)
    {
        Value distribution = net.Node("Softmax", [net.Transpose(net.Reshape(logits, batch, 4, Distances, Cells), 0, 2, 1, 3)], ("axis", 1L));
        Value distances = net.Constant("distances", Tensor.Create([1, Distances, 1, 1], [.. Enumerable.Range(0, Distances).Select(i => (float)i)]));
        Value sides = net.Reshape(net.Node("Conv", [distribution, distances], ("kernel_shape", new[] { 1L, 1 })), batch, 4, Cells);
        Value anchors = net.Constant("anchors", Anchors());
        Value low = net.Node("Sub", [anchors, Half(0)]), high = net.Node("Add", [Half(2), anchors]);
        Value center = net.Node("Div", [net.Node("Add", [low, high]), net.Scalar(2)]), size = net.Node("Sub", [high, low]);
        float[] strides = [.. Strides.SelectMany(s => Enumerable.Repeat((float)s, ImageSize / s * (ImageSize / s)))];
        return net.Node("Mul", [net.Node("Concat", [center, size], ("axis", 1L)), net.Constant("strides", Tensor.Create([1, Cells], strides))]);

        Value Half(long start) => net.Node("Slice", [sides, net.Integers(start), net.Integers(start + 2), net.Integers(1)]);
    }

    /// <summary>Middle of each cell, in cells.</summary>
    private static Tensor Anchors()
    {
        float[] anchors = new float[2 * Cells];
        int at = 0;
        foreach (int side in Strides.Select(s => ImageSize / s))
        {
            for (int cell = 0; cell < side * side; cell++, at++)
                (anchors[at], anchors[Cells + at]) = (cell % side + 0.5f, cell / side + 0.5f);
        }
        return Tensor.Create([1, 2, Cells], anchors);
    }
}
