namespace Tersor.Runtime;

/// <summary>How a run in a child process ended.</summary>
public enum GuardOutcome
{
    /// <summary>The model was loaded and run.</summary>
    Success,

    /// <summary>ONNX Runtime refused to load or run it, or its outputs cannot be read back.</summary>
    EngineError,

    /// <summary>The child died: the engine crashed.</summary>
    Crash,

    /// <summary>It took longer than allowed and was ended.</summary>
    Timeout,

    /// <summary>It used more memory than allowed and was ended.</summary>
    MemoryExceeded,

    /// <summary>No child could be started; nothing is known about the model.</summary>
    NotStarted,
}

/// <summary>What became of a model in a child process.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="Reason">Why, in one line; empty on success.</param>
public sealed record GuardResult(GuardOutcome Outcome, string Reason)
{
    /// <summary>True when the model was loaded and run.</summary>
    public bool Succeeded => Outcome == GuardOutcome.Success;

    /// <summary>The outputs by name, one dictionary a step; empty when there was no success or they were not asked for.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, RuntimeValue>> Outputs { get; init; } = [];

    /// <summary>Greatest resident memory of the child during the request, the .NET runtime's own 40-60 MB included.</summary>
    public long PeakMemoryBytes { get; init; }

    /// <summary>Resident memory of the child before it loaded the model.</summary>
    public long BaseMemoryBytes { get; init; }

    /// <summary>Processor time of the child for the request.</summary>
    public TimeSpan CpuTime { get; init; }

    /// <summary>Wall-clock time to load the model.</summary>
    public TimeSpan LoadTime { get; init; }

    /// <summary>Wall-clock time of all runs.</summary>
    public TimeSpan RunTime { get; init; }
}
