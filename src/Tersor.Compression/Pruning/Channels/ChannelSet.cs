namespace Tersor.Compression.Pruning.Channels;

/// <summary>Channels of which all tensors of a group have the same: a set of a union-find.</summary>
/// <param name="count">How many.</param>
internal sealed class ChannelSet(int count)
{
    private ChannelSet? parent;
    private string? frozen;

    public int Count { get; } = count;

    /// <summary>Why none of them may go; null: any may.</summary>
    public string? Frozen => Root().frozen;

    /// <summary>The set it was joined into.</summary>
    public ChannelSet Root()
    {
        ChannelSet root = this;
        while (root.parent is { } next)
            root = next;
        for (ChannelSet at = this; at.parent is { } next; at = next)
            at.parent = root;
        return root;
    }

    /// <summary>Keeps all of them. The first reason stays.</summary>
    public void Freeze(string reason) => Root().frozen ??= reason;

    /// <summary>Lets a channel of one go only with that of the other.</summary>
    public void Join(ChannelSet other)
    {
        (ChannelSet a, ChannelSet b) = (Root(), other.Root());
        if (ReferenceEquals(a, b))
            return;
        b.parent = a;
        a.frozen ??= b.frozen;
    }
}
