using Tersor.Compression.GraphOptimization;

namespace Tersor.Reporting.Optimization;

/// <summary>What <c>tersor optimize</c> did.</summary>
public sealed record OptimizeReport
{
    /// <summary>The model that was read.</summary>
    public required string Input { get; init; }

    /// <summary>The model that was written.</summary>
    public required string Output { get; init; }

    /// <summary>Why what was written is the input model as it was; null when something improved.</summary>
    public required string? NoGain { get; init; }

    /// <summary>Bytes of the file that was read, external data included.</summary>
    public required long BytesBefore { get; init; }

    /// <summary>Bytes of the result with its weights inside; those of the file that was read where nothing changed.</summary>
    public required long BytesAfter { get; init; }

    /// <summary>Nodes of all graphs, before.</summary>
    public required int NodesBefore { get; init; }

    /// <summary>The same after.</summary>
    public required int NodesAfter { get; init; }

    /// <summary>Operators whose number changed.</summary>
    public required IReadOnlyList<OperatorChange> Operators { get; init; }

    /// <summary>What each pass did, all rounds together.</summary>
    public required IReadOnlyList<PassSummary> Passes { get; init; }

    /// <summary>Samples the outputs were compared on; 0 when they were not.</summary>
    public required int VerifiedSamples { get; init; }

    /// <summary>Why nothing could be verified; null when it was.</summary>
    public required string? NotVerified { get; init; }

    /// <summary>Nodes that draw random numbers; the outputs were compared with the same numbers drawn.</summary>
    public required IReadOnlyList<string> RandomNodes { get; init; }

    /// <summary>True when all outputs are equal bit for bit with the engine's own rewrites off.</summary>
    public required bool? BitEqual { get; init; }

    /// <summary>Largest difference of an output with the engine's own rewrites off, relative to the largest element of that output.</summary>
    public required double? Difference { get; init; }

    /// <summary>The same at the engine's default settings.</summary>
    public required double? DifferenceAtDefaults { get; init; }

    /// <summary>Summarizes a result.</summary>
    /// <param name="input">The model that was read.</param>
    /// <param name="bytesBefore">Bytes of its file, external data included: what is written anew may spell the same model shorter.</param>
    /// <param name="output">The model that was written.</param>
    /// <param name="result">What was done.</param>
    public static OptimizeReport Of(string input, long bytesBefore, string output, OptimizationResult result) => new()
    {
        Input = input,
        Output = output,
        NoGain = result.IsChanged ? null : "nothing could be optimized",
        BytesBefore = bytesBefore,
        BytesAfter = result.IsChanged ? result.BytesAfter : bytesBefore,
        NodesBefore = result.NodesBefore.Values.Sum(),
        NodesAfter = result.NodesAfter.Values.Sum(),
        Operators = [.. result.NodesBefore.Keys.Union(result.NodesAfter.Keys).Order(StringComparer.Ordinal)
            .Select(name => new OperatorChange(name, result.NodesBefore.GetValueOrDefault(name), result.NodesAfter.GetValueOrDefault(name)))
            .Where(change => change.Before != change.After)],
        Passes = [.. result.Steps.GroupBy(s => s.Pass).Select(PassSummary.Of)],
        VerifiedSamples = result.VerifiedSamples,
        NotVerified = result.NotVerified,
        RandomNodes = result.RandomNodes,
        BitEqual = result.Difference?.BitEqual,
        Difference = result.Difference?.Relative,
        DifferenceAtDefaults = result.DifferenceAtDefaults?.Relative,
    };
}

/// <summary>Number of nodes of one operator.</summary>
/// <param name="Operator">Its name.</param>
/// <param name="Before">In the model that was read.</param>
/// <param name="After">In the result.</param>
public sealed record OperatorChange(string Operator, int Before, int After);

/// <summary>What a pass did, all rounds together.</summary>
/// <param name="Pass">Its name.</param>
/// <param name="Changes">What was changed and kept.</param>
/// <param name="Skipped">What was left alone in the last round, and why.</param>
/// <param name="RolledBack">Why changes were undone; null when none were.</param>
public sealed record PassSummary(string Pass, IReadOnlyList<Subject> Changes, IReadOnlyList<Subject> Skipped, string? RolledBack)
{
    internal static PassSummary Of(IEnumerable<OptimizationStep> steps)
    {
        OptimizationStep[] rounds = [.. steps];
        return new(rounds[0].Pass,
            [.. rounds.Where(s => s.RolledBack is null).SelectMany(s => s.Report.Changes).Select(c => new Subject(c.Subject, c.What))],
            [.. rounds[^1].Report.Skipped.Select(s => new Subject(s.Subject, s.Reason))],
            rounds.Select(s => s.RolledBack).FirstOrDefault(reason => reason is not null));
    }
}

/// <summary>A node or value and what is said about it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="What">What was done to it, or why it was left alone.</param>
public sealed record Subject(string Name, string What);
