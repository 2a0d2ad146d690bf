using Tersor.Onnx;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Tersor.Training.Operators;

/// <summary>Normalizations over batch, layer, group, channel or given axes.</summary>
internal static class Normalizations
{
    public static IEnumerable<OperatorRow> Rows =>
    [
        new("BatchNormalization", 1, c => BatchNormalization(c, ownStatistics: false)),
        new("BatchNormalization", 14, c => BatchNormalization(c, ownStatistics: c.Node.Int("training_mode", 0) != 0)),
        // One group per channel.
        new("InstanceNormalization", 1, c => F.group_norm(c[0], c[0].shape[1], c[1], c[2], c.Node.Float("epsilon", 1e-5f))),
        new("GroupNormalization", 18, c => GroupNormalization(c, Spread(c[1], c), Spread(c[2], c))), // one scale per group
        new("GroupNormalization", 21, c => GroupNormalization(c, c[1], c[2])),
        new("LayerNormalization", 17, LayerNormalization),
        new("RMSNormalization", 23, c => RootMeanSquare(c[0], c[1], c.Axis(c.Node.Int("axis", -1), c[0].dim()), c.Node.Float("epsilon", 1e-5f)).Normalized),
        new("LpNormalization", 1, LpNormalization),
        new("LRN", 1, LocalResponse),
        new("MeanVarianceNormalization", 9, MeanVariance),
    ];

    /// <summary>ONNX's default.</summary>
    private const float DefaultMomentum = 0.9f;

    /// <summary>Whether a batch normalization has a momentum with which its statistics would never move: exporters wrote 1 where inference was all they knew of.</summary>
    public static bool IsMomentumUntold(Node node) => node.Float("momentum", DefaultMomentum) >= 1;

    /// <summary>(x − mean) / √(variance + epsilon) · scale + bias over the dimensions from <paramref name="axis"/> on.</summary>
    public static Tensor LayerNormalized(Tensor x, Tensor scale, Tensor? bias, long axis, double epsilon)
    {
        long[] shape = x.shape[(int)axis..];
        if (scale.shape.SequenceEqual(shape) && (bias is null || bias.shape.SequenceEqual(shape)) && x.dtype == scale.dtype)
            return F.layer_norm(x, shape, scale, bias, epsilon);
        Tensor result = F.layer_norm(x, shape, eps: epsilon) * scale;
        return bias is null ? result : result + bias;
    }

    /// <summary>x / √(mean(x²) + epsilon) · scale over the dimensions from <paramref name="axis"/> on, and the factor the root is.</summary>
    public static (Tensor Normalized, Tensor InverseRoot) RootMeanSquare(Tensor x, Tensor scale, long axis, double epsilon)
    {
        Tensor wide = Wide(x);
        Tensor inverse = (wide * wide).mean(From(axis, x), keepdim: true).add(epsilon).rsqrt();
        return ((wide * inverse).to_type(x.dtype) * scale, inverse);
    }

    /// <summary>Mean and 1 / √(variance + epsilon) over the dimensions from <paramref name="axis"/> on.</summary>
    public static (Tensor Mean, Tensor InverseDeviation) Moments(Tensor x, long axis, double epsilon)
    {
        Tensor wide = Wide(x);
        long[] axes = From(axis, x);
        return (wide.mean(axes, keepdim: true), wide.var(axes, unbiased: false, keepdim: true).add(epsilon).rsqrt());
    }

    /// <summary>Half precision is too coarse for sums of squares.</summary>
    private static Tensor Wide(Tensor x) => x.dtype is ScalarType.Float16 or ScalarType.BFloat16 ? x.to_type(ScalarType.Float32) : x;

    private static long[] From(long axis, Tensor x) => [.. Enumerable.Range((int)axis, (int)(x.dim() - axis)).Select(i => (long)i)];

    private static OperatorResult BatchNormalization(OperatorCall call, bool ownStatistics)
    {
        Tensor given = call[0];
        double epsilon = call.Node.Float("epsilon", 1e-5f), momentum = call.Node.Float("momentum", DefaultMomentum);
        // Per activation (spatial=0, before version 9), every element of a sample is a channel of its own.
        bool perActivation = call.Opset < 9 && call.Node.Int("spatial", 1) == 0;
        Tensor x = perActivation ? given.reshape(given.shape[0], -1) : given.dim() == 1 ? given.unsqueeze(1) : given;
        Tensor scale = Flat(call[1]), bias = Flat(call[2]), mean = Flat(call[3]), variance = Flat(call[4]);
        long[] statistic = call[3].shape;
        if (ownStatistics)
        {
            long[] axes = [.. Enumerable.Range(0, (int)x.dim()).Where(i => i != 1).Select(i => (long)i)];
            Tensor batchMean = x.mean(axes), batchVariance = x.var(axes, unbiased: false);
            Tensor y = F.batch_norm(x, null!, null!, scale, bias, training: true, eps: epsilon).reshape(given.shape);
            return new Tensor?[] { y, Moved(mean, batchMean).reshape(statistic), Moved(variance, batchVariance).reshape(statistic) };
        }
        // A single number a channel is its own mean: it would become 0.
        if (call.Run.Training && call.Run.NormalizesBatch(call.Node) && x.numel() > x.shape[1])
        {
            // With momentum 1 the fused kernel leaves the batch's own statistics behind, the variance unbiased.
            Tensor batchMean = zeros_like(mean), batchVariance = ones_like(variance);
            Tensor y = F.batch_norm(x, batchMean, batchVariance, scale, bias, training: true, momentum: 1, eps: epsilon);
            if (call.Run.KeepStatistic is { } keep)
            {
                momentum = IsMomentumUntold(call.Node) ? DefaultMomentum : momentum;
                using IDisposable _ = no_grad();
                double count = x.numel() / x.shape[1];
                Tensor biased = batchVariance * ((count - 1) / count);
                keep(call.Node.Inputs[3]!, Moved(mean, batchMean).reshape(statistic));
                keep(call.Node.Inputs[4]!, Moved(variance, biased).reshape(statistic));
            }
            return y.reshape(given.shape);
        }
        // The fused kernel has no gradients for the statistics.
        Tensor result = mean.requires_grad || variance.requires_grad
            ? (x - Channels(mean)) * Channels(scale * (variance + epsilon).rsqrt()) + Channels(bias)
            : F.batch_norm(x, mean, variance, scale, bias, training: false, eps: epsilon);
        return result.reshape(given.shape);

        Tensor Flat(Tensor t) => (t.dtype == x.dtype ? t : t.to_type(x.dtype)).reshape(-1);
        Tensor Channels(Tensor t) => t.reshape([-1, .. Enumerable.Repeat(1L, (int)x.dim() - 2)]);
        Tensor Moved(Tensor old, Tensor batch) => old * momentum + batch * (1 - momentum);
    }

    private static Tensor Spread(Tensor perGroup, OperatorCall call) => perGroup.repeat_interleave(call[0].shape[1] / perGroup.numel(), 0);

    private static Tensor GroupNormalization(OperatorCall call, Tensor scale, Tensor bias) =>
        F.group_norm(call[0], call.Node.Int("num_groups", 1), scale, bias, call.Node.Float("epsilon", 1e-5f));

    private static OperatorResult LayerNormalization(OperatorCall call)
    {
        Tensor x = call[0];
        long axis = call.Axis(call.Node.Int("axis", -1), x.dim());
        double epsilon = call.Node.Float("epsilon", 1e-5f);
        Tensor y = LayerNormalized(x, call[1], call.Optional(2), axis, epsilon);
        if (call.Node.Output(1) is null && call.Node.Output(2) is null)
            return y;
        (Tensor mean, Tensor inverse) = Moments(x, axis, epsilon);
        return new Tensor?[] { y, mean, inverse };
    }

    private static OperatorResult LpNormalization(OperatorCall call)
    {
        Tensor x = call[0];
        Tensor norm = linalg.vector_norm(x, call.Node.Int("p", 2), [call.Axis(call.Node.Int("axis", -1), x.dim())], keepdim: true);
        return x / norm.clamp_min(finfo(x.dtype).tiny); // zeros stay zeros
    }

    private static OperatorResult LocalResponse(OperatorCall call)
    {
        Tensor x = call[0];
        long size = call.Node.Int("size", 1), before = (size - 1) / 2;
        Tensor squares = cat([Zeros(before), x * x, Zeros(size - 1 - before)], 1).unfold(1, size, 1).sum(-1);
        return x / squares.mul(call.Node.Float("alpha", 1e-4f) / size).add(call.Node.Float("bias", 1)).pow(call.Node.Float("beta", 0.75f));

        Tensor Zeros(long channels) => zeros([x.shape[0], channels, .. x.shape[2..]], x.dtype);
    }

    private static OperatorResult MeanVariance(OperatorCall call)
    {
        Tensor x = call[0];
        long[] axes = [.. (call.Node.Ints("axes") ?? [0, 2, 3]).Select(a => call.Axis(a, x.dim()))];
        Tensor centred = x - x.mean(axes, keepdim: true);
        return centred / ((centred * centred).mean(axes, keepdim: true).sqrt() + 1e-9);
    }
}
