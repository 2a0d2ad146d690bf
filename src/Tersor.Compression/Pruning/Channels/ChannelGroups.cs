using Tersor.Onnx;
using Tersor.Onnx.Editing;

namespace Tersor.Compression.Pruning.Channels;

/// <summary>The groups of channels of a model, and their removal.</summary>
public sealed class ChannelGroups
{
    private readonly ChannelAnalysis analysis;

    private ChannelGroups(ChannelAnalysis analysis)
    {
        this.analysis = analysis;
        ILookup<ChannelSet, ChannelSlice> slices = analysis.Constants.SelectMany(c => Slices(c.Constant, c.Axis, c.Lane)).ToLookup(s => s.Set.Root(), s => s.Slice);
        All = [.. slices.Where(g => g.Key.Frozen is null && g.Any(s => s.Makes)).Select(g => new ChannelGroup(g.Key, [.. g]))];
        Kept = [.. slices.Where(g => g.Key.Frozen is not null && g.Any(s => s.Makes)).Select(g => (new ChannelGroup(g.Key, [.. g]).ToString(), g.Key.Frozen!))];
    }

    /// <summary>Groups of which channels may be removed.</summary>
    public IReadOnlyList<ChannelGroup> All { get; }

    /// <summary>Channels that must stay, and why.</summary>
    public IReadOnlyList<(string Channels, string Reason)> Kept { get; }

    /// <summary>Finds them.</summary>
    /// <param name="model">Its functions are put in the place of their calls first; nothing else is changed.</param>
    public static ChannelGroups Find(Model model)
    {
        FunctionInliner.InlineAll(model);
        return new(new(model));
    }

    /// <summary>Removes all channels but some. Once only: then there are other groups.</summary>
    /// <param name="kept">For each group that loses any: the channels that stay, ascending, at least one.</param>
    public void Keep(IReadOnlyDictionary<ChannelGroup, int[]> kept)
    {
        Dictionary<ChannelSet, int[]> bySet = kept.ToDictionary(k => k.Key.Set, k => k.Value);
        foreach ((ChannelGroup group, int[] channels) in kept)
        {
            if (channels.Length == 0 || channels[0] < 0 || channels[^1] >= group.Channels || channels.Zip(channels.Skip(1)).Any(p => p.First >= p.Second))
                throw new ArgumentException($"Of {group}, {channels.Length} are named; expected at least one, ascending, within 0..{group.Channels - 1}.", nameof(kept));
        }
        bool Changes(Lane lane) => lane.Segments.Any(s => bySet.ContainsKey(s.Set.Root()));
        int[] Indices(Lane lane) => lane.Kept(bySet.GetValueOrDefault);
        foreach ((Value constant, int axis, Lane lane) in analysis.Constants.Where(c => Changes(c.Lane)))
#pragma warning disable RS0030 // The analysis joins the channels of all its readers.
            constant.SetTensor(Take(constant.Tensor!, axis, Indices(lane)));
#pragma warning restore RS0030
        foreach ((Node node, Lane lane) in analysis.Depthwise.Where(d => Changes(d.Lane)))
            node.SetAttribute("group", (long)Indices(lane).Length);
        foreach ((Node node, int index, Lane lane) in analysis.Sizes.Where(s => Changes(s.Lane)))
        {
            long[] target = node.Inputs[1]!.Constant!.ToInt64s();
            target[index] = Indices(lane).Length;
            node.SetInput(1, node.Graph.AddInitializer($"{node.Inputs[1]!.Name}/narrow", Tensor.Vector(target)));
        }
        foreach ((Value value, Lane?[] lanes) in analysis.Values)
        {
            for (int axis = 0; axis < lanes.Length; axis++)
            {
                if (lanes[axis] is { } lane && Changes(lane) && value.Type is OnnxType.Tensor { Shape: { } shape } type && axis < shape.Length)
                    value.Type = type with { Shape = shape.SetItem(axis, new(Indices(lane).Length, null, shape[axis].Denotation)) };
            }
        }
    }

    /// <summary>The slices at some indices of an axis, in their order.</summary>
    private static Tensor Take(Tensor tensor, int axis, int[] indices)
    {
        long[] shape = [.. tensor.Shape];
        int size = checked((int)(Tensor.ElementCount(shape.AsSpan(axis + 1)) * tensor.Type.Bits() / 8)), before = checked((int)Tensor.ElementCount(shape.AsSpan(0, axis))), length = checked((int)shape[axis]);
        byte[] taken = new byte[checked(before * indices.Length * size)];
        ReadOnlySpan<byte> source = tensor.Bytes;
        for (int o = 0; o < before; o++)
        {
            for (int i = 0; i < indices.Length; i++)
                source.Slice((o * length + indices[i]) * size, size).CopyTo(taken.AsSpan((o * indices.Length + i) * size));
        }
        shape[axis] = indices.Length;
        return Tensor.FromBytes(tensor.Type, shape, taken);
    }

    private IEnumerable<(ChannelSet Set, ChannelSlice Slice)> Slices(Value constant, int axis, Lane lane)
    {
        int start = 0;
        foreach ((ChannelSet set, int block) in lane.Segments)
        {
            yield return (set, new(constant, axis, start, block, analysis.Makers.Contains((constant, axis))));
            start += set.Count * block;
        }
    }
}
