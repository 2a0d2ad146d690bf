namespace Tersor.Compression;

/// <summary>Something a pass changed.</summary>
/// <param name="Subject">The node or value, by name.</param>
/// <param name="What">What was done to it, in a few words.</param>
public sealed record PassChange(string Subject, string What);

/// <summary>A candidate a pass left alone.</summary>
/// <param name="Subject">The node or value, by name.</param>
/// <param name="Reason">Why, in a few words.</param>
public sealed record PassSkip(string Subject, string Reason);

/// <summary>What a pass did: every candidate is either a change or a skip with its reason.</summary>
public sealed class PassReport
{
    private readonly List<PassChange> changes = [];
    private readonly List<PassSkip> skipped = [];

    /// <summary>What was changed, in order.</summary>
    public IReadOnlyList<PassChange> Changes => changes;

    /// <summary>What was left alone, and why, in order.</summary>
    public IReadOnlyList<PassSkip> Skipped => skipped;

    /// <summary>Notes a change.</summary>
    public void Changed(string subject, string what) => changes.Add(new(subject, what));

    /// <summary>Notes a candidate left alone.</summary>
    public void Skip(string subject, string reason) => skipped.Add(new(subject, reason));
}
