using System.Collections.Immutable;
using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Where the channels of a value stand once some were added: for each channel the one it was before, or -1 for an added one, whose content is any finite number nobody reads.</summary>
internal sealed class ChannelLayout
{
    private readonly ImmutableArray<int> from;

    private ChannelLayout(ImmutableArray<int> from) => this.from = from;

    /// <summary>Number of channels, added ones included.</summary>
    public int Count => from.Length;

    /// <summary>True when nothing was added or moved.</summary>
    public bool IsIdentity => !from.Where((channel, i) => channel != i).Any();

    /// <summary>For each channel the one it was before, or -1.</summary>
    public ReadOnlySpan<int> From => from.AsSpan();

    /// <summary><paramref name="channels"/> channels, then added ones up to <paramref name="count"/>.</summary>
    public static ChannelLayout Padded(int channels, int count) => new([.. Enumerable.Range(0, count).Select(i => i < channels ? i : -1)]);

    /// <summary>The layout of a concatenation, given those of its parts and their channels before.</summary>
    public static ChannelLayout Concatenated(IEnumerable<(ChannelLayout Layout, int Channels)> parts)
    {
        ImmutableArray<int>.Builder all = ImmutableArray.CreateBuilder<int>();
        int offset = 0;
        foreach ((ChannelLayout layout, int channels) in parts)
        {
            all.AddRange(layout.from.Select(c => c < 0 ? -1 : c + offset));
            offset += channels;
        }
        return new(all.ToImmutable());
    }

    /// <summary>For each channel before, where it stands now.</summary>
    public int[] Places()
    {
        int[] places = new int[from.Count(c => c >= 0)];
        for (int i = 0; i < from.Length; i++)
        {
            if (from[i] >= 0)
                places[from[i]] = i;
        }
        return places;
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
                if (from[i] < 0)
                    target.Fill(fill);
                else
                    source.Slice((o * channels + from[i]) * length, length).CopyTo(target);
            }
        }
        return Tensor.Create(shape, values);
    }
}
