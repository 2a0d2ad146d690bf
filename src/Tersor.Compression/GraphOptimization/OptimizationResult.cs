using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>One pass in one round.</summary>
/// <param name="Pass">Its name.</param>
/// <param name="Round">The round, from 1.</param>
/// <param name="Report">What it did and left alone.</param>
/// <param name="RolledBack">Why its changes were undone; null when they were kept.</param>
/// <param name="Difference">How the outputs changed by it; null when nothing was changed or nothing could be run.</param>
public sealed record OptimizationStep(string Pass, int Round, PassReport Report, string? RolledBack, OutputDifference? Difference);

/// <summary>What optimizing a model did.</summary>
public sealed record OptimizationResult
{
    /// <summary>The optimized model; the one that was given, unchanged, when <see cref="IsChanged"/> is false.</summary>
    public required Model Model { get; init; }

    /// <summary>False when no step was kept.</summary>
    public bool IsChanged { get; init; }

    /// <summary>Nodes by operator before, bodies and functions included.</summary>
    public required IReadOnlyDictionary<string, int> NodesBefore { get; init; }

    /// <summary>Nodes by operator after.</summary>
    public required IReadOnlyDictionary<string, int> NodesAfter { get; init; }

    /// <summary>Bytes of the model with its weights inside, before.</summary>
    public long BytesBefore { get; init; }

    /// <summary>The same after.</summary>
    public long BytesAfter { get; init; }

    /// <summary>Every pass of every round, in order.</summary>
    public required IReadOnlyList<OptimizationStep> Steps { get; init; }

    /// <summary>Number of samples the model was verified with; 0 when it was not verified.</summary>
    public int VerifiedSamples { get; init; }

    /// <summary>Why nothing could be verified; null when it was.</summary>
    public string? NotVerified { get; init; }

    /// <summary>Nodes that draw random numbers. The first model and the last were compared while both drew the same.</summary>
    public IReadOnlyList<string> RandomNodes { get; init; } = [];

    /// <summary>Difference between the first and the last model with the engine's rewrites off; null when not verified.</summary>
    public OutputDifference? Difference { get; init; }

    /// <summary>The same at the engine's default settings, which rewrite the two models in different ways.</summary>
    public OutputDifference? DifferenceAtDefaults { get; init; }
}
