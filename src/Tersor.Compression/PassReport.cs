namespace Tersor.Compression;

/// <summary>Something a pass changed.</summary>
/// <param name="Subject">The node or value, by name.</param>
/// <param name="What">What was done to it, in a few words.</param>
public sealed record PassChange(string Subject, string What);

/// <summary>A candidate a pass left alone.</summary>
/// <param name="Subject">The node or value, by name.</param>
/// <param name="Reason">Why, in a few words.</param>
public sealed record PassSkip(string Subject, string Reason);

/// <summary>A constraint that no weight has any more.</summary>
/// <param name="Weight">The weight that had it, by name.</param>
/// <param name="Constraint">The constraint.</param>
public sealed record LostConstraint(string Weight, Onnx.Constraint Constraint);

/// <summary>What a pass did: every candidate is either a change or a skip with its reason.</summary>
public sealed class PassReport
{
    private readonly List<PassChange> changes = [];
    private readonly List<PassSkip> skipped = [];
    private readonly List<LostConstraint> lost = [];

    /// <summary>What was changed, in order.</summary>
    public IReadOnlyList<PassChange> Changes => changes;

    /// <summary>What was left alone, and why, in order.</summary>
    public IReadOnlyList<PassSkip> Skipped => skipped;

    /// <summary>Constraints that could not be kept, each among <see cref="Skipped"/> too.</summary>
    public IReadOnlyList<LostConstraint> Lost => lost;

    /// <summary>Notes a change.</summary>
    public void Changed(string subject, string what) => changes.Add(new(subject, what));

    /// <summary>Notes a candidate left alone.</summary>
    public void Skip(string subject, string reason) => skipped.Add(new(subject, reason));

    /// <summary>Notes a constraint that no weight has any more.</summary>
    public void Lose(string weight, Onnx.Constraint constraint)
    {
        lost.Add(new(weight, constraint));
        Skip(weight, $"its constraint is lost: {constraint.GetType().Name}");
    }
}
