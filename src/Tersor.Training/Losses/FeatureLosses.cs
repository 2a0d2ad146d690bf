using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tersor.Training.Losses;

/// <summary>Distances between hidden values of a student and of a teacher: [samples, channels, positions ...], or with channels last where three axes say so.</summary>
internal static class FeatureLosses
{
    /// <summary>Mean squared error, after a linear map of the student's channels and with positions averaged to the smaller of both sizes.</summary>
    /// <param name="student">With a gradient.</param>
    /// <param name="teacher">No gradient flows to it.</param>
    /// <param name="weight">[channels of the teacher, channels of the student]; null: channels are as many.</param>
    /// <param name="bias">[channels of the teacher].</param>
    /// <remarks>Source: Romero et al. 2015, arXiv:1412.6550, equation 3; its regressor has a kernel, this one is of size 1.</remarks>
    public static Tensor Fitted(Tensor student, Tensor teacher, Tensor? weight, Tensor? bias)
    {
        using IDisposable scope = NewDisposeScope();
        (Tensor learned, Tensor taught) = Aligned(student, teacher.detach());
        if (weight is not null)
            learned = functional.linear(learned.movedim([1], [-1]), weight, bias).movedim([-1], [1]);
        return functional.mse_loss(learned, taught).MoveToOuterDisposeScope();
    }

    /// <summary>Mean squared difference between attention maps: the mean of squares over channels at every position, as a vector of length 1 for each sample.</summary>
    /// <remarks>Source: Zagoruyko and Komodakis 2017, arXiv:1612.03928, equation 2, with the sum over positions and samples divided by their number as section 4.1 does.</remarks>
    public static Tensor Attention(Tensor student, Tensor teacher)
    {
        using IDisposable scope = NewDisposeScope();
        (Tensor learned, Tensor taught) = Aligned(student, teacher.detach());
        return functional.mse_loss(Map(learned), Map(taught)).MoveToOuterDisposeScope();
    }

    /// <summary>The axis of the channels: the second, but for three axes whose second are positions, as many in both.</summary>
    public static int ChannelAxis(ReadOnlySpan<long> student, ReadOnlySpan<long> teacher) => student.Length == 3 && student[1] == teacher[1] ? 2 : 1;

    private static Tensor Map(Tensor features) => functional.normalize(features.square().mean([1L]).flatten(1), 2, 1);

    private static (Tensor Student, Tensor Teacher) Aligned(Tensor student, Tensor teacher)
    {
        if (ChannelAxis(student.shape, teacher.shape) == 2)
            (student, teacher) = (student.transpose(1, 2), teacher.transpose(1, 2));
        long[] size = [.. student.shape.Zip(teacher.shape, Math.Min).Skip(2)];
        return (Pooled(student, size), Pooled(teacher, size));
    }

    private static Tensor Pooled(Tensor features, long[] size) => features.shape.AsSpan(2).SequenceEqual(size) ? features : size.Length switch
    {
        1 => functional.adaptive_avg_pool1d(features, size[0]),
        2 => functional.adaptive_avg_pool2d(features, (size[0], size[1])),
        _ => functional.adaptive_avg_pool3d(features, (size[0], size[1], size[2])),
    };
}
