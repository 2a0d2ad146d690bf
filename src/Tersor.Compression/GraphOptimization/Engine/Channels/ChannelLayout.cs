using System.Collections.Immutable;
using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Where the channels of a value stand once some were added: for each channel the one it was before, or -1 for an added one, whose content is any finite number nobody reads.</summary>
internal sealed class ChannelLayout
{
    private readonly ImmutableArray<int> from; // default where nothing was added: a file may name any number of channels

    private ChannelLayout(int count, ImmutableArray<int> from) => (Count, this.from) = (count, from);

    /// <summary>Number of channels, added ones included.</summary>
    public int Count { get; }

    /// <summary>True when nothing was added or moved.</summary>
    public bool IsIdentity => from.IsDefault;

    /// <summary>Every channel where it was.</summary>
    public static ChannelLayout Identity(int channels) => new(channels, default);

    /// <summary><paramref name="channels"/> channels, then added ones up to <paramref name="count"/>.</summary>
    public static ChannelLayout Padded(int channels, int count) =>
        channels == count ? Identity(channels) : new(count, [.. Enumerable.Range(0, count).Select(i => i < channels ? i : -1)]);

    /// <summary>The layout of a concatenation, given those of its parts and their channels before.</summary>
    public static ChannelLayout Concatenated(IReadOnlyList<(ChannelLayout Layout, int Channels)> parts)
    {
        int offset = 0;
        if (parts.All(p => p.Layout.IsIdentity))
            return Identity(parts.Sum(p => p.Channels));
        ImmutableArray<int>.Builder all = ImmutableArray.CreateBuilder<int>();
        foreach ((ChannelLayout layout, int channels) in parts)
        {
            for (int i = 0; i < layout.Count; i++)
                all.Add(layout.From(i) is >= 0 and var channel ? channel + offset : -1);
            offset += channels;
        }
        return new(all.Count, all.ToImmutable());
    }

    /// <summary>The channel that stands at this place, or -1 for an added one.</summary>
    public int From(int place) => from.IsDefault ? place : from[place];

    /// <summary>For each channel before, where it stands now.</summary>
    public int[] Places()
    {
        List<int> places = [];
        for (int i = 0; i < Count; i++)
        {
            if (From(i) >= 0)
                places.Add(i); // the order of channels never changes
        }
        return [.. places];
    }

    /// <summary>A single-precision constant laid out along <paramref name="axis"/>; added channels hold <paramref name="fill"/>.</summary>
    public Tensor Apply(Tensor tensor, int axis, float fill)
    {
        long inner = Tensor.ElementCount(tensor.Shape.AsSpan()[(axis + 1)..]), outer = Tensor.ElementCount(tensor.Shape.AsSpan()[..axis]);
        long[] shape = [.. tensor.Shape];
        int length = checked((int)inner), channels = checked((int)shape[axis]);
        shape[axis] = Count;
        ReadOnlySpan<float> source = tensor.Span<float>();
        float[] values = new float[Tensor.ElementCount(shape)];
        for (int o = 0; o < outer; o++)
        {
            for (int i = 0; i < Count; i++)
            {
                Span<float> target = values.AsSpan((o * Count + i) * length, length);
                if (From(i) is >= 0 and var channel)
                    source.Slice((o * channels + channel) * length, length).CopyTo(target);
                else
                    target.Fill(fill);
            }
        }
        return Tensor.Create(shape, values);
    }
}
