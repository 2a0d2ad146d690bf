using System.Collections.Immutable;

namespace Tersor.Compression.Pruning.Channels;

/// <summary>How channels lie along one axis: one set after the other, each channel a block of neighbours.</summary>
/// <param name="Segments">In order. A block is 1 but where a picture was flattened.</param>
internal sealed record Lane(ImmutableArray<(ChannelSet Set, int Block)> Segments)
{
    /// <summary>Length of the axis.</summary>
    public long Size => Segments.Sum(s => (long)s.Set.Count * s.Block);

    /// <summary>The reason for which one of them is frozen; null: none is.</summary>
    public string? Frozen => Segments.Select(s => s.Set.Frozen).FirstOrDefault(f => f is not null);

    public static Lane Of(ChannelSet set) => new([(set, 1)]);

    /// <summary>The lane where every channel is a block as many times as large.</summary>
    public Lane Flattened(int block) => new([.. Segments.Select(s => (s.Set, checked(s.Block * block)))]);

    public void Freeze(string reason)
    {
        foreach ((ChannelSet set, _) in Segments)
            set.Freeze(reason);
    }

    /// <summary>Ties two lanes channel by channel; where they are cut otherwise, freezes both.</summary>
    public void Join(Lane other, string where)
    {
        bool same = Segments.Length == other.Segments.Length && Segments.Zip(other.Segments).All(p => p.First.Set.Count == p.Second.Set.Count && p.First.Block == p.Second.Block);
        if (!same)
        {
            Freeze($"{where} joins channels that are cut differently");
            other.Freeze($"{where} joins channels that are cut differently");
            return;
        }
        foreach (((ChannelSet a, _), (ChannelSet b, _)) in Segments.Zip(other.Segments))
            a.Join(b);
    }

    /// <summary>The indices along the axis that stay.</summary>
    /// <param name="kept">The channels of a set that stay, ascending.</param>
    public int[] Kept(Func<ChannelSet, IReadOnlyList<int>?> kept)
    {
        List<int> indices = [];
        int start = 0;
        foreach ((ChannelSet set, int block) in Segments)
        {
            foreach (int channel in kept(set.Root()) ?? [.. Enumerable.Range(0, set.Count)])
                indices.AddRange(Enumerable.Range(start + channel * block, block));
            start += set.Count * block;
        }
        return [.. indices];
    }
}
