using static Tersor.Training.Operators.Steps;
using static TorchSharp.torch;

namespace Tersor.Training.Operators;

/// <summary>Sampling images at positions, and moving blocks of pixels into channels and back.</summary>
internal static class Images
{
    public static IEnumerable<OperatorRow> Rows =>
    [
        new("AffineGrid", 20, Scoped(c => As(nn.functional.affine_grid(Wide(c[0]), c.Longs(1), c.Node.Int("align_corners", 0) != 0), c[0].dtype))),
        new("DepthToSpace", 1, Scoped(ToSpace)),
        new("GridSample", 16, Scoped(Sample)),
        new("SpaceToDepth", 1, Scoped(ToDepth)),
    ];

    private static OperatorResult ToSpace(OperatorCall call)
    {
        long[] shape = call[0].shape;
        long block = call.Node.Int("blocksize", 1), depth = shape[1] / (block * block);
        // [N, C, H, block, W, block] from the order the channels lie in.
        Tensor y = call.Node.Text("mode") == "CRD"
            ? call[0].reshape(shape[0], depth, block, block, shape[2], shape[3]).permute(0, 1, 4, 2, 5, 3)
            : call[0].reshape(shape[0], block, block, depth, shape[2], shape[3]).permute(0, 3, 4, 1, 5, 2);
        return y.reshape(shape[0], depth, shape[2] * block, shape[3] * block);
    }

    private static OperatorResult ToDepth(OperatorCall call)
    {
        long[] shape = call[0].shape;
        long block = call.Node.Int("blocksize", 1), height = shape[2] / block, width = shape[3] / block;
        return call[0].reshape(shape[0], shape[1], height, block, width, block).permute(0, 3, 5, 1, 2, 4).reshape(shape[0], shape[1] * block * block, height, width);
    }

    private static OperatorResult Sample(OperatorCall call)
    {
        Tensor x = Wide(call[0]), grid = As(call[1], x.dtype);
        bool corners = call.Node.Int("align_corners", 0) != 0;
        string mode = call.Node.Text("mode") ?? "linear", padding = call.Node.Text("padding_mode") ?? "zeros";
        if (mode is "cubic" or "bicubic")
        {
            if (x.ndim != 4)
                throw call.Unsupported($"cubic sampling of {x.ndim - 2} axes");
            return As(Cubic(x, grid, padding, corners), call[0].dtype);
        }
        GridSamplePaddingMode outside = padding switch { "border" => GridSamplePaddingMode.Border, "reflection" => GridSamplePaddingMode.Reflection, _ => GridSamplePaddingMode.Zeros };
        return As(nn.functional.grid_sample(x, grid, mode == "nearest" ? GridSampleMode.Nearest : GridSampleMode.Bilinear, outside, corners), call[0].dtype);
    }

    private static Tensor Cubic(Tensor x, Tensor grid, string padding, bool corners)
    {
        long[] shape = x.shape, places = grid.shape;
        long height = shape[2], width = shape[3];
        Tensor column = Pixels(grid.select(-1, 0), width), row = Pixels(grid.select(-1, 1), height);
        Tensor left = column.floor(), top = row.floor(), flat = x.reshape(shape[0], shape[1], height * width);
        Tensor? sum = null;
        for (int i = -1; i < 3; i++)
        {
            (Tensor y, Tensor? inRows) = Inside(top + i, height);
            Tensor down = Weight(row - top - i);
            for (int j = -1; j < 3; j++)
            {
                (Tensor at, Tensor? inColumns) = Inside(left + j, width);
                Tensor share = down * Weight(column - left - j);
                if (inRows is not null)
                    share = share * inRows * inColumns!;
                Tensor index = (y * width + at).to_type(ScalarType.Int64).reshape(shape[0], 1, -1).expand(-1, shape[1], -1);
                Tensor part = flat.gather(2, index) * share.reshape(shape[0], 1, -1);
                sum = sum is null ? part : sum + part;
            }
        }
        return sum!.reshape(shape[0], shape[1], places[1], places[2]);

        Tensor Pixels(Tensor position, long length) => corners ? (position + 1) * ((length - 1) / 2.0) : ((position + 1) * length - 1) / 2;

        (Tensor Place, Tensor? Inside) Inside(Tensor place, long length)
        {
            Tensor clamped = place.clamp(0, length - 1);
            if (padding == "border")
                return (clamped, null);
            if (padding != "reflection")
                return (clamped, (place >= 0).logical_and(place < length).to_type(x.dtype));
            // Back and forth between the centres, or between the outer edges, of the first and the last pixel.
            double low = corners ? 0 : -0.5, span = corners ? Math.Max(length - 1, 1) : length;
            Tensor back = (place - low).remainder(2 * span);
            return (back.minimum(2 * span - back).add(low).round().clamp(0, length - 1), null);
        }
    }

    /// <summary>Keys' cubic kernel with slope -0.75, of distances below 2.</summary>
    private static Tensor Weight(Tensor distance)
    {
        Tensor x = distance.abs();
        return where(x <= 1, (1.25 * x - 2.25) * x * x + 1, ((-0.75 * x + 3.75) * x - 6) * x + 3);
    }
}
