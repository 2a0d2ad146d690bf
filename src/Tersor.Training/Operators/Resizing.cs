using static Tersor.Training.Operators.Steps;
using static TorchSharp.torch;

namespace Tersor.Training.Operators;

/// <summary>Making tensors larger or smaller by interpolation: libtorch's own where it means the same, and one matrix or selection an axis otherwise.</summary>
internal static class Resizing
{
    public static IEnumerable<OperatorRow> Rows =>
    [
        new("Resize", 10, Scoped(c => Scaled(c, Doubles(c[1])))),
        new("Resize", 11, Scoped(Resize)),
        new("Upsample", 7, Scoped(c => Scaled(c, [.. (c.Node.Floats("scales") ?? []).Select(s => (double)s)]))),
        new("Upsample", 9, Scoped(c => Scaled(c, Doubles(c[1])))),
    ];

    private static double[] Doubles(Tensor tensor) => tensor.detach().to_type(ScalarType.Float64).contiguous().data<double>().ToArray();

    /// <summary>The forms before operator set 11: scales for all axes, positions from the corner.</summary>
    private static OperatorResult Scaled(OperatorCall call, double[] scales)
    {
        long[] shape = call[0].shape;
        ResampledAxis[] axes = [.. shape.Select((length, i) => new ResampledAxis(length, Floor(length, scales[i]), scales[i], 0, 1))];
        return Resample(call, axes, new(call.Node.Text("mode") ?? "nearest", "asymmetric", "simple"));
    }

    /// <summary>As single precision rounds: 10 · 0.7 is 7.</summary>
    private static long Floor(long length, double scale) => (long)MathF.Floor(length * (float)scale);

    private static OperatorResult Resize(OperatorCall call)
    {
        ResizeRules rules = call.Once("rules", () => new ResizeRules(call.Node.Text("mode") ?? "nearest", call.Node.Text("coordinate_transformation_mode") ?? "half_pixel", call.Node.Text("nearest_mode") ?? "round_prefer_floor",
            call.Node.Float("cubic_coeff_a", -0.75f), call.Node.Int("exclude_outside", 0) != 0, call.Node.Int("antialias", 0) != 0));
        long[] shape = call[0].shape;
        int[] axes = [.. call.Node.Ints("axes")?.Select(a => (int)call.Axis(a, shape.Length)) ?? Enumerable.Range(0, shape.Length)];
        bool crop = rules.Coordinates == "tf_crop_and_resize";
        double[] region = crop ? Doubles(call[1]) : [];
        double[]? scales = call.Optional(2) is { } s && s.numel() > 0 ? Doubles(s) : null;
        long[] sizes = scales is null ? call.OptionalLongs(3) ?? throw call.Bad("has neither scales nor sizes") : [];
        string policy = call.Node.Text("keep_aspect_ratio_policy") ?? "stretch";
        if (scales is null && policy != "stretch")
        {
            IEnumerable<double> ratios = axes.Select((a, i) => (double)sizes[i] / shape[a]);
            double ratio = policy == "not_larger" ? ratios.Min() : ratios.Max();
            scales = Enumerable.Repeat(ratio, axes.Length).ToArray();
            sizes = [.. axes.Select(a => (long)Math.Floor(ratio * shape[a] + 0.5))];
        }
        ResampledAxis[] all = [.. shape.Select(length => new ResampledAxis(length, length, 1, 0, 1))];
        for (int i = 0; i < axes.Length; i++)
        {
            long length = shape[axes[i]];
            (double start, double end) = crop ? (region[i], region[i + axes.Length]) : (0, 1);
            long size = sizes.Length > 0 ? sizes[i] : Floor(length, scales![i] * (end - start));
            all[axes[i]] = new(length, size, scales?[i] ?? (double)size / length, start, end);
        }
        return Resample(call, all, rules);
    }

    private static Tensor Resample(OperatorCall call, ResampledAxis[] axes, ResizeRules rules)
    {
        bool crop = rules.Coordinates == "tf_crop_and_resize", nearest = rules.Mode == "nearest";
        if (!nearest && rules.Mode is not ("linear" or "bilinear" or "cubic") || double.IsNaN(new ResampledAxis(2, 2, 1, 0, 1).Coordinate(0, rules)))
            throw call.Unsupported($"the mode {rules.Mode} with {rules.Coordinates}");
        Tensor x = call[0];
        if (!nearest)
            x = x.is_floating_point() ? Wide(x) : x.to_type(ScalarType.Float32);
        Tensor y = Native(x, axes, rules) ?? x;
        if (ReferenceEquals(y, x))
        {
            for (int i = 0; i < axes.Length; i++)
            {
                if (axes[i].IsSame && !crop)
                    continue;
                y = nearest ? y.index_select(i, tensor(axes[i].Nearest(rules)))
                    : Along(y, i, tensor(axes[i].Weights(rules), [axes[i].Size, axes[i].Length], y.dtype));
            }
        }
        for (int i = 0; i < axes.Length && crop; i++)
        {
            bool[] outside = [.. Enumerable.Range(0, (int)axes[i].Size).Select(k => axes[i].Coordinate(k, rules) is var at && (at < 0 || at > axes[i].Length - 1))];
            if (outside.Any(o => o))
                y = y.masked_fill(tensor(outside).reshape([-1, .. Repeat(1, axes.Length - i - 1)]), call.Node.Float("extrapolation_value", 0));
        }
        return As(y, call[0].dtype).alias();
    }

    /// <summary>Multiplies one axis by a matrix [size, length].</summary>
    private static Tensor Along(Tensor x, int axis, Tensor weights)
    {
        long[] shape = x.shape;
        if (axis == shape.Length - 1)
            return x.matmul(weights.t());
        return weights.matmul(x.reshape(Product(shape[..axis]), shape[axis], -1)).reshape([.. shape[..axis], weights.shape[0], .. shape[(axis + 1)..]]);
    }

    /// <summary>libtorch's own interpolation of images; null where it means something else.</summary>
    private static Tensor? Native(Tensor x, ResampledAxis[] axes, ResizeRules rules)
    {
        if (axes.Length is < 3 or > 5 || !axes[0].IsSame || !axes[1].IsSame || rules.ExcludeOutside || rules.Antialias || !x.is_floating_point() || axes.All(a => a.IsSame))
            return null;
        ResampledAxis[] spatial = axes[2..];
        long[] size = [.. spatial.Select(a => a.Size)];
        if (rules.Mode == "nearest")
        {
            return rules.Coordinates != "tf_crop_and_resize" && spatial.All(a => a.Nearest(rules).Select((place, i) => place == Math.Min((long)MathF.Floor(i * ((float)a.Length / a.Size)), a.Length - 1)).All(same => same))
                ? nn.functional.interpolate(x, size, mode: InterpolationMode.Nearest) : null;
        }
        bool corners = rules.Coordinates == "align_corners";
        bool same = spatial.All(a => a.Scale * a.Length == a.Size) && (corners || rules.Coordinates == "half_pixel" || rules.Coordinates == "pytorch_half_pixel" && size.All(s => s > 1));
        if (!same || rules.Mode == "cubic" && (axes.Length != 4 || rules.Cubic != -0.75))
            return null;
        InterpolationMode mode = rules.Mode == "cubic" ? InterpolationMode.Bicubic : axes.Length switch { 3 => InterpolationMode.Linear, 4 => InterpolationMode.Bilinear, _ => InterpolationMode.Trilinear };
        return nn.functional.interpolate(x, size, mode: mode, align_corners: corners);
    }
}
