using Tersor.Onnx;

namespace Tersor.Compression.Pruning.Channels;

/// <summary>Where the channels of a group lie in a constant: channel c is the indices Start + c · Block up to the next block.</summary>
/// <param name="Constant">The constant.</param>
/// <param name="Axis">Its axis.</param>
/// <param name="Start">Where the group begins along it.</param>
/// <param name="Block">Indices a channel.</param>
/// <param name="Makes">Whether the constant's layer makes the channels; else it reads them, or scales them one by one.</param>
public readonly record struct ChannelSlice(Value Constant, int Axis, int Start, int Block, bool Makes);

/// <summary>Channels that go together: who removes one removes a slice of each of several constants, and the model computes what it did without it.</summary>
/// <remarks>Source for such groups: Fang et al. 2023, arXiv:2301.12900, section 3.</remarks>
public sealed class ChannelGroup
{
    internal ChannelGroup(ChannelSet set, IReadOnlyList<ChannelSlice> slices) => (Set, Slices) = (set, slices);

    internal ChannelSet Set { get; }

    /// <summary>How many there are.</summary>
    public int Channels => Set.Count;

    /// <summary>Where they lie.</summary>
    public IReadOnlyList<ChannelSlice> Slices { get; }

    /// <summary>The sum of squares of the weights that make each channel.</summary>
    public double[] Magnitudes()
    {
        double[] sums = new double[Channels];
        foreach (ChannelSlice slice in Slices.Where(s => s.Makes && s.Constant.Tensor!.Rank > 1))
        {
            Tensor tensor = slice.Constant.Tensor!;
            float[] values = tensor.ToFloats();
            long inner = Tensor.ElementCount(tensor.Shape.AsSpan()[(slice.Axis + 1)..]), size = tensor.Shape[slice.Axis];
            for (int i = 0; i < values.Length; i++)
            {
                long place = i / inner % size - slice.Start;
                if (place >= 0 && place / slice.Block < Channels)
                    sums[place / slice.Block] += (double)values[i] * values[i];
            }
        }
        return sums;
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Plural.Of(Channels, "channel")} of {string.Join(", ", Slices.Where(s => s.Makes).Select(s => $"'{s.Constant.Name}'").Distinct())}";
}
