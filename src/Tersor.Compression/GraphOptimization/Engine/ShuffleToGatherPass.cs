using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>A shuffle of channels written as Reshape, Transpose, Reshape becomes a Gather with a constant index, and so does every Slice and Split of channels behind it: each reader takes its channels in one step.</summary>
/// <remarks>Source of the shuffle: Zhang et al. 2017, arXiv:1707.01083, section 3.1.</remarks>
public sealed class ShuffleToGatherPass : Pass
{
    private const int MaxChain = 8;

    /// <inheritdoc/>
    public override string Name => "shuffle-to-gather";

    /// <inheritdoc/>
    public override PassEffect Effect => PassEffect.Structural;

    /// <inheritdoc/>
    protected override PassReport Apply(Model model, PassContext context)
    {
        PassReport report = new();
        TypeFacts types = new(context);
        foreach (Node node in model.AllNodes().ToArray())
        {
            context.Cancellation.ThrowIfCancellationRequested();
            if (!node.IsInGraph || !node.Is("Transpose"))
                continue;
            if (Shuffle(node, types, out string? reason) is { } shuffle)
                Replace(shuffle.Chain, shuffle.Permutation, report);
            else if (reason is not null)
                report.Skip(node.ToString(), reason);
        }
        return report;
    }

    /// <summary>The longest chain around a Transpose that moves whole channels.</summary>
    private static (IReadOnlyList<Node> Chain, long[] Permutation)? Shuffle(Node transpose, TypeFacts types, out string? reason)
    {
        List<Node> chain = [transpose];
        while (chain.Count < MaxChain && chain[0].Input(0) is { Producer: { } before } value && Joins(value, before, chain[0]))
            chain.Insert(0, before);
        int first = chain.Count - 1;
        while (chain.Count < MaxChain && chain[^1].Outputs[0] is { Uses: [{ Index: 0, Node: var behind }] } output && Joins(output, chain[^1], behind))
            chain.Add(behind);
        reason = chain.Count < 3 ? "no Reshape before and behind it" : null;
        if (reason is not null)
            return null;
        bool known = false;
        for (int start = 0; start <= first; start++)
        {
            if (types.Shape(chain[start].Input(0)) is not { Length: >= 3 } shape || shape.Skip(1).Any(d => d.Size is null))
                continue;
            known = true;
            for (int end = chain.Count; end > first + 1; end--)
            {
                IReadOnlyList<Node> part = chain[start..end];
                if (part.Count >= 3 && ChannelPermutation.Of(part, shape) is { } permutation)
                    return (part, permutation);
            }
        }
        reason = known ? "does not move whole channels" : "the sizes it moves are not known";
        return null;

        static bool Joins(Value value, Node a, Node b) =>
            ChannelPermutation.Moves(a) && ChannelPermutation.Moves(b) && ReferenceEquals(a.Graph, b.Graph) && Rewire.HasOneReader(value) && a.Outputs.Count == 1;
    }

    private static void Replace(IReadOnlyList<Node> chain, long[] permutation, PassReport report)
    {
        Node last = chain[^1];
        Value source = chain[0].Inputs[0]!, shuffled = last.Outputs[0]!;
        report.Changed(chain[0].ToString(), $"{Plural.Of(chain.Count, "node")} that {Plural.Noun(chain.Count, "shuffles", "shuffle")} {Plural.Of(permutation.Length, "channel")} {Plural.Noun(chain.Count, "is", "are")} now Gather");
        foreach (Use use in shuffled.Uses.ToArray())
        {
            if (use.Index != 0 || !ReferenceEquals(use.Node.Graph, last.Graph) || Parts(use.Node, permutation.Length) is not { } parts)
                continue;
            report.Changed(use.Node.ToString(), "takes its channels straight from before the shuffle");
            for (int i = 0; i < parts.Count; i++)
            {
                if (use.Node.Outputs[i] is { IsUnused: false } output)
                    Gather(use.Node, source, [.. parts[i].Select(c => permutation[c])], output);
            }
            use.Node.Remove();
        }
        if (!shuffled.IsUnused)
            Gather(last, source, permutation, shuffled);
        Rewire.RemoveChain(last);
    }

    private static void Gather(Node before, Value source, long[] channels, Value output)
    {
        Value index = Constants.Add(before, $"{output.Name}/channels", Tensor.Vector(channels));
        Node gather = before.Graph.InsertBefore(before, "Gather", [source, index], [output.Name], [new("axis", 1L)]);
        gather.Outputs[0]!.Type = output.Type;
        output.ReplaceAllUsesWith(gather.Outputs[0]!);
    }

    /// <summary>The channels each output of a Slice or Split along dimension 1 takes; null when the node is none.</summary>
    private static List<long[]>? Parts(Node node, long channels)
    {
        if (node.Is("Slice"))
        {
            bool attributes = node.OpsetVersion < 10;
            long[]? starts = attributes ? node.Ints("starts") : Constants.Integers(node.Input(1)), ends = attributes ? node.Ints("ends") : Constants.Integers(node.Input(2));
            long[]? axes = attributes ? node.Ints("axes") : Constants.Integers(node.Input(3));
            long[]? steps = attributes || node.Input(4) is null ? [1] : Constants.Integers(node.Input(4));
            if (starts is not [var start] || ends is not [var end] || axes is not [1] || steps is not [1])
                return null;
            (start, end) = (Place(start), Place(end));
            return start < end ? [[.. Enumerable.Range((int)start, (int)(end - start)).Select(i => (long)i)]] : null;
        }
        if (!node.Is("Split") || node.Int("axis", 0) != 1)
            return null;
        long[]? sizes = node.Ints("split") ?? (node.Input(1) is { } input ? Constants.Integers(input) : null);
        if (sizes is null && node.Input(1) is null)
        {
            // Equal parts, the last one smaller where it does not come out even.
            long size = (channels + node.Outputs.Count - 1) / node.Outputs.Count;
            sizes = [.. Enumerable.Range(0, node.Outputs.Count).Select(i => Math.Min(size, channels - i * size))];
        }
        if (sizes is null || sizes.Length != node.Outputs.Count || sizes.Sum() != channels || sizes.Any(s => s <= 0))
            return null;
        List<long[]> parts = [];
        long next = 0;
        foreach (long size in sizes)
        {
            parts.Add([.. Enumerable.Range((int)next, (int)size).Select(i => (long)i)]);
            next += size;
        }
        return parts;

        long Place(long position) => Math.Clamp(position < 0 ? position + channels : position, 0, channels);
    }
}
