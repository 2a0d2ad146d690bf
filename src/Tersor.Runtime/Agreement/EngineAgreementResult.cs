using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>One output of a model, with the engine's optimizations on and off. Distances are ‖a − b‖² / ‖b‖² over all samples and steps; 0 where there is no difference.</summary>
/// <param name="Name">The output.</param>
/// <param name="Difference">How far the optimized run is from the one as written.</param>
/// <param name="Optimized">How far the optimized run is from the reference; null where there is none.</param>
/// <param name="AsWritten">How far the run as written is from the reference; null where there is none.</param>
public sealed record OutputAgreement(string Name, double Difference, double? Optimized, double? AsWritten)
{
    /// <summary>Differences below this share of the signal are never held against a model: 40 dB is about what the 8 bits of one tensor leave, and a saturated output shows one step of it as that.</summary>
    private const double Negligible = 1e-4;

    /// <summary>Without a reference: the most that roundings add up to in networks of many 8-bit layers (25 dB and more were measured), with a margin.</summary>
    private const double MostRounding = 1e-2;

    /// <summary>How much further from the reference the optimized run may be.</summary>
    private const double MostLoss = 2;

    /// <summary>Whether rounding explains the difference.</summary>
    /// <remarks>
    /// Off by one in one layer becomes other roundings in all that follow, so that in a deep network the two runs may lie as far apart as each lies from the float model, and no farther from it.
    /// A wrong scale or integers that wrap around make the optimized run worse than the one as written.
    /// </remarks>
    public bool Agrees => Difference <= Negligible || (Optimized is { } optimized && AsWritten is { } written
        ? Difference <= written || optimized <= (MostLoss * written) + Negligible
        : Difference <= MostRounding);
}

/// <summary>How far a model with the engine's optimizations on is from the same model with them off.</summary>
/// <param name="Outputs">Its floating-point outputs.</param>
public sealed record EngineAgreementResult(IReadOnlyList<OutputAgreement> Outputs)
{
    /// <summary>Why the engine cannot run the model as it is written, so that there is nothing to compare; else null.</summary>
    public string? NotComparable { get; init; }

    /// <summary>Whether rounding explains the differences of all outputs.</summary>
    public bool Agrees => Outputs.All(o => o.Agrees);

    /// <summary>The output that differs most, in dB: signal over difference. Positive infinity where none differs.</summary>
    public double Decibel => Decibels(Outputs.Select(o => o.Difference).DefaultIfEmpty(0).Max());

    /// <summary>The worst output of the optimized run against the reference, dB; null without one.</summary>
    public double? OptimizedDecibel => Worst(o => o.Optimized);

    /// <summary>The worst output of the run as written against the reference, dB; null without one.</summary>
    public double? AsWrittenDecibel => Worst(o => o.AsWritten);

    /// <summary>Signal over noise in dB.</summary>
    public static double Decibels(double noise) => noise <= 0 ? double.PositiveInfinity : -10 * Math.Log10(noise);

    private double? Worst(Func<OutputAgreement, double?> distance) => Outputs.Max(distance) is { } worst ? Decibels(worst) : null;
}

/// <summary>A node that the engine computes otherwise than the file says.</summary>
/// <param name="Node">The node, of the model as given.</param>
/// <param name="Kernel">What the engine made of it.</param>
/// <param name="Difference">‖optimized − as written‖² / ‖as written‖² of the node alone, fed the same inputs.</param>
/// <param name="Steps">The largest difference, in steps of the node's 8-bit result; null where its result is float.</param>
public sealed record EngineCulprit(Node Node, string Kernel, double Difference, double? Steps);
