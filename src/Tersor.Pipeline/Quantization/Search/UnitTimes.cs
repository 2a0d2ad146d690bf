using System.Diagnostics;
using Tersor.Compression.Quantization.Placement;
using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Pipeline.Quantization;

/// <summary>What one unit takes.</summary>
/// <param name="Float">Microseconds a run in float.</param>
/// <param name="Quantized">Microseconds a run in 8 bits.</param>
/// <param name="Dynamic">Microseconds a run in 8 bits under ranges found at run time; null where it has no such form, or was not told apart.</param>
public sealed record UnitTime(double Float, double Quantized, double? Dynamic = null);

/// <summary>Times every unit of a model in float and in 8 bits, with the engine's profiler: one profile of the model as it is, one with everything in 8 bits, one with products quantized at run time.</summary>
internal static class UnitTimes
{
    private const double LeastRuns = 12, MostRuns = 300;
    private static readonly TimeSpan ProfileTime = TimeSpan.FromMilliseconds(400);

    /// <summary>Times by unit key, for the units that could be told apart in both profiles.</summary>
    /// <param name="model">The calibrated model.</param>
    /// <param name="numbers">To quantize with.</param>
    /// <param name="input">What is fed.</param>
    /// <param name="session">How to run.</param>
    /// <param name="cancellation">Stops it.</param>
    public static IReadOnlyDictionary<string, UnitTime> Measure(CalibratedModel model, QuantizationNumbers numbers, IReadOnlyDictionary<string, Tensor> input, SessionSettings session, CancellationToken cancellation)
    {
        int runs = Runs(model.Model, input, session);
        HashSet<string> atRunTime = [.. model.Everything.Units.Where(u => u.Rule.Kind == RuleKind.RunTime).Select(u => u.Key)];
        QuantizationPlacement products = model.Everything.Only(u => u.GivesFloat);
        HashSet<string> alone = [.. products.Isolated().Select(u => u.Key)];
        Dictionary<string, double> before = Profile(model.Model);
        Dictionary<string, double> after = Profile(model.Build(model.Everything, numbers with { Dynamic = atRunTime }, out _));
        Dictionary<string, double> dynamic = alone.Count == 0 ? [] : Profile(model.Build(products.Only(u => alone.Contains(u.Key)), numbers with { Dynamic = alone }, out _));
        Dictionary<string, UnitTime> times = [];
        foreach (QuantizationUnit unit in model.Everything.Units)
        {
            double inFloat = before.GetValueOrDefault(unit.Anchor.Name) + (unit.Activation is { Name.Length: > 0 } activation ? before.GetValueOrDefault(activation.Name) : 0);
            if (inFloat > 0 && after.TryGetValue(unit.Anchor.Name, out double inIntegers))
                times[unit.Key] = new(inFloat, inIntegers, dynamic.TryGetValue(unit.Anchor.Name, out double atRun) ? atRun : null);
        }
        return times;

        Dictionary<string, double> Profile(Model profiled) => ByNode(Profiler.Profile(profiled, input, runs, session, cancellation: cancellation));
    }

    /// <summary>As many runs as fit the time a profile may take: small kernels take few ticks of the engine's clock.</summary>
    private static int Runs(Model model, IReadOnlyDictionary<string, Tensor> input, SessionSettings session)
    {
        using ModelSession loaded = new(model, session);
        loaded.Run(input);
        long start = Stopwatch.GetTimestamp();
        loaded.Run(input);
        return (int)Math.Clamp(ProfileTime / Stopwatch.GetElapsedTime(start), LeastRuns, MostRuns);
    }

    /// <summary>A kernel's time goes to the node it stands for; where the engine fused several, to the last that multiplies weights, else to the last of all.</summary>
    private static Dictionary<string, double> ByNode(ModelProfile profile)
    {
        Dictionary<string, double> times = [];
        foreach (NodeProfile kernel in profile.Nodes)
        {
            Node? owner = kernel.Sources.LastOrDefault(n => n.Is("Conv", "MatMul", "Gemm", "MatMulInteger")) ?? kernel.Sources.LastOrDefault(n => !n.Is("QuantizeLinear", "DequantizeLinear"));
            if (owner is { Name.Length: > 0 })
                times[owner.Name] = times.GetValueOrDefault(owner.Name) + kernel.Microseconds;
        }
        return times;
    }
}
