namespace Tersor.Runtime;

/// <summary>What a model may use in a child process. Immutable; change it with <c>with</c>.</summary>
public sealed record GuardLimits
{
    /// <summary>Wall-clock time to load and run; null for 60 s and 60 s more for each GB of the model.</summary>
    public TimeSpan? Time { get; init; }

    /// <summary>Resident memory of the child in bytes; null for four times what the model's weights take in memory, and 2 GB: weights stored in few bits become floats there.</summary>
    public long? MemoryBytes { get; init; }

    internal TimeSpan TimeFor(long modelBytes) => Time ?? TimeSpan.FromSeconds(60 + 60 * (modelBytes >> 30));

    internal long MemoryFor(long modelBytes) => MemoryBytes ?? 4 * modelBytes + (2L << 30);
}
