using static TorchSharp.torch;

namespace Tersor.Training.Operators;

/// <summary>Channels of zeros that bring a convolution to whole blocks of 16.</summary>
/// <remarks>
/// On processors with AVX-512, libtorch 2.10 computes convolutions with windows in blocks of 16 channels, and the rest of a block that is not full is memory nobody wrote to: multiplied by zero, which gives
/// NaN where that memory happens to hold one. Measured: with freed memory full of NaN, most such convolutions and their gradients come out wrong; those of whole blocks, of 1x1 windows, in groups, and those that read
/// 16 channels or fewer never do. The arithmetic of the zeros is done there anyway.
/// </remarks>
internal static class PaddedChannels
{
    private const long Block = 16;

    /// <summary>Whether a convolution has blocks that are not full.</summary>
    /// <param name="x">[samples, channels, ...].</param>
    /// <param name="kernel">Lengths of the window.</param>
    /// <param name="groups">Groups of the convolution.</param>
    public static bool Concerns(Tensor x, ReadOnlySpan<long> kernel, long groups) => x.dtype == ScalarType.Float32 && groups == 1 && kernel.ContainsAnyExcept(1);

    /// <summary>How many channels of zeros what is read needs.</summary>
    public static long Inputs(long channels) => channels > Block ? Outputs(channels) : 0;

    /// <summary>How many channels of zeros what is computed needs.</summary>
    public static long Outputs(long channels) => (Block - channels % Block) % Block;

    /// <summary>A tensor with zeros at the end of one of its first two axes.</summary>
    public static Tensor Pad(Tensor tensor, int axis, long count)
    {
        if (count == 0)
            return tensor;
        long[] pads = new long[2 * (tensor.ndim - axis)];
        pads[^1] = count;
        return nn.functional.pad(tensor, pads);
    }
}
