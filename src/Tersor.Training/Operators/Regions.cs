using static Tersor.Training.Operators.Steps;
using static TorchSharp.torch;

namespace Tersor.Training.Operators;

/// <summary>Pooling of regions of interest. Gradients flow to the image, not to the regions.</summary>
internal static class Regions
{
    public static IEnumerable<OperatorRow> Rows =>
    [
        new("MaxRoiPool", 1, Scoped(Pool)),
        new("RoiAlign", 10, Scoped(c => Align(c, "output_half_pixel"))),
        new("RoiAlign", 16, Scoped(c => Align(c, c.Node.Text("coordinate_transformation_mode") ?? "half_pixel"))),
    ];

    private static double[] Doubles(Tensor tensor) => tensor.detach().to_type(ScalarType.Float64).contiguous().data<double>().ToArray();

    private static OperatorResult Pool(OperatorCall call)
    {
        Tensor x = call[0];
        long[] shape = x.shape, size = call.Node.Ints("pooled_shape") ?? throw call.Bad("has no pooled_shape");
        double[] regions = Doubles(call[1]);
        double scale = call.Node.Float("spatial_scale", 1);
        List<Tensor> bins = [];
        for (int r = 0; r < regions.Length; r += 5)
        {
            Tensor image = x.select(0, (long)regions[r]);
            (long left, long top) = (Round(regions[r + 1]), Round(regions[r + 2]));
            double height = Math.Max(Round(regions[r + 4]) - top + 1, 1) / (double)size[0], width = Math.Max(Round(regions[r + 3]) - left + 1, 1) / (double)size[1];
            for (int i = 0; i < size[0]; i++)
            {
                for (int j = 0; j < size[1]; j++)
                {
                    (long y, long bottom) = Bin(i, height, top, shape[2]);
                    (long at, long right) = Bin(j, width, left, shape[3]);
                    bins.Add(bottom <= y || right <= at ? zeros([shape[1]], x.dtype) : image.narrow(1, y, bottom - y).narrow(2, at, right - at).amax([1, 2]));
                }
            }
        }
        return bins.Count == 0 ? zeros([0, shape[1], .. size], x.dtype) : stack(bins, 0).reshape(-1, size[0], size[1], shape[1]).permute(0, 3, 1, 2);

        long Round(double position) => (long)Math.Round(position * scale, MidpointRounding.AwayFromZero);

        static (long Begin, long End) Bin(int i, double step, long start, long length) =>
            (Math.Clamp((long)Math.Floor(i * step) + start, 0, length), Math.Clamp((long)Math.Ceiling((i + 1) * step) + start, 0, length));
    }

    /// <summary>Source: He et al. 2017, arXiv:1703.06870; ONNX RoiAlign-16.</summary>
    private static OperatorResult Align(OperatorCall call, string coordinates)
    {
        Tensor x = Wide(call[0]);
        long[] shape = x.shape, images = call.Longs(2);
        long rows = call.Node.Int("output_height", 1), columns = call.Node.Int("output_width", 1), ratio = call.Node.Int("sampling_ratio", 0);
        double[] regions = Doubles(call[1]);
        double scale = call.Node.Float("spatial_scale", 1), shift = coordinates == "half_pixel" ? 0.5 : 0;
        bool most = call.Node.Text("mode") == "max";
        List<Tensor> pooled = [];
        for (int r = 0; r < images.Length; r++)
        {
            Tensor image = x.select(0, images[r]);
            Line down = Sampled(regions[4 * r + 1], regions[4 * r + 3], rows, shape[2]), right = Sampled(regions[4 * r], regions[4 * r + 2], columns, shape[3]);
            pooled.Add(most ? Largest(image, down, rows, right, columns) : down.Mean(rows, shape[2], x.dtype).matmul(image).matmul(right.Mean(columns, shape[3], x.dtype).t()));
        }
        return As(pooled.Count == 0 ? zeros([0, shape[1], rows, columns], x.dtype) : stack(pooled, 0), call[0].dtype).alias();

        Line Sampled(double from, double to, long bins, long length)
        {
            double start = from * scale - shift, extent = to * scale - shift - start;
            extent = shift == 0 ? Math.Max(extent, 1) : extent;
            long samples = ratio > 0 ? ratio : Math.Max((long)Math.Ceiling(extent / bins), 1);
            Line line = new(new long[bins * samples], new long[bins * samples], new double[bins * samples], new double[bins * samples]);
            for (int i = 0; i < bins * samples; i++)
                line.Set(i, start + (i / samples + (i % samples + 0.5) / samples) * (extent / bins), length);
            return line;
        }
    }

    /// <summary>The largest of the samples' largest weighted neighbours: not of the interpolated samples, so ONNX defines it.</summary>
    private static Tensor Largest(Tensor image, Line down, long rows, Line right, long columns)
    {
        Tensor? largest = null;
        foreach ((long[] row, double[] rowShare) in ((long[], double[])[])[(down.Low, down.LowShare), (down.High, down.HighShare)])
        {
            foreach ((long[] column, double[] columnShare) in ((long[], double[])[])[(right.Low, right.LowShare), (right.High, right.HighShare)])
            {
                Tensor corner = image.index_select(1, tensor(row)).index_select(2, tensor(column)) * tensor(rowShare, image.dtype).unsqueeze(1) * tensor(columnShare, image.dtype);
                largest = largest is null ? corner : largest.maximum(corner);
            }
        }
        return largest!.reshape(image.shape[0], rows, -1, columns, right.Low.Length / columns).amax([2, 4]);
    }

    /// <summary>Samples along one axis: two neighbours each, and their shares.</summary>
    private sealed record Line(long[] Low, long[] High, double[] LowShare, double[] HighShare)
    {
        public void Set(int i, double position, long length)
        {
            if (position < -1 || position > length)
                return; // outside: shares of zero
            position = Math.Max(position, 0);
            Low[i] = Math.Min((long)position, length - 1);
            High[i] = Math.Min(Low[i] + 1, length - 1);
            HighShare[i] = Low[i] == length - 1 ? 0 : position - Low[i];
            LowShare[i] = 1 - HighShare[i];
        }

        /// <summary>The mean of the samples of every bin, as a matrix [bins, length].</summary>
        public Tensor Mean(long bins, long length, ScalarType type)
        {
            double[] weights = new double[bins * length];
            long samples = Low.Length / bins;
            for (int i = 0; i < Low.Length; i++)
            {
                weights[i / samples * length + Low[i]] += LowShare[i] / samples;
                weights[i / samples * length + High[i]] += HighShare[i] / samples;
            }
            return tensor(weights, [bins, length], type);
        }
    }
}
