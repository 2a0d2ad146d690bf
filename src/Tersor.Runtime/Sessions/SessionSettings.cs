namespace Tersor.Runtime;

/// <summary>How far ONNX Runtime rewrites a model when it loads it.</summary>
public enum EngineOptimization
{
    /// <summary>Not at all: every node runs as written.</summary>
    None,

    /// <summary>Constant folding and redundant nodes only.</summary>
    Basic,

    /// <summary>Basic, and fusions.</summary>
    Extended,

    /// <summary>Everything, memory layout included: what users get by default.</summary>
    All,
}

/// <summary>How ONNX Runtime loads and runs a model. Immutable; change it with <c>with</c>.</summary>
public sealed record SessionSettings
{
    /// <summary>Threads within one operator. Default 1: latencies are then comparable between machines. 0 lets the engine choose.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>How far the engine rewrites the model at load. Default: everything.</summary>
    public EngineOptimization Optimization { get; init; } = EngineOptimization.All;

    /// <summary>Names of engine rewrites to leave out (session option optimization.disable_specified_optimizers). Default: none.</summary>
    public IReadOnlyList<string> DisabledOptimizers { get; init; } = [];

    /// <summary>Let the engine keep memory for the next run. Default true; false gives every run's memory back, at some cost in time.</summary>
    public bool MemoryArena { get; init; } = true;

    /// <summary>Where the engine writes the model as it rewrote it, or null. Default: null.</summary>
    public string? OptimizedModelPath { get; init; }

    /// <summary>Start of the path of the engine's own profile, or null for none. Default: null.</summary>
    public string? ProfilePrefix { get; init; }

    /// <summary>Use the options that a model carries with it, see <see cref="Runtime.CarriedOptions"/>. Default: yes.</summary>
    public bool CarriedOptions { get; init; } = true;

    /// <summary>Further session configuration entries, by the engine's key.</summary>
    public IReadOnlyDictionary<string, string> Entries { get; init; } = new Dictionary<string, string>();
}
