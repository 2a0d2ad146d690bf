using Tersor.Compression.Quantization.Placement;
using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Pipeline.Quantization;

/// <summary>What one unit takes.</summary>
/// <param name="Float">Microseconds a run in float.</param>
/// <param name="Quantized">Microseconds a run in 8 bits.</param>
public sealed record UnitTime(double Float, double Quantized);

/// <summary>Times every unit of a model in float and in 8 bits, with the engine's profiler: one profile of the model as it is, one with everything in 8 bits.</summary>
internal static class UnitTimes
{
    /// <summary>Times by unit key, for the units that could be told apart in both profiles.</summary>
    /// <param name="model">The calibrated model.</param>
    /// <param name="numbers">To quantize with.</param>
    /// <param name="input">What is fed.</param>
    /// <param name="session">How to run.</param>
    /// <param name="cancellation">Stops it.</param>
    public static IReadOnlyDictionary<string, UnitTime> Measure(CalibratedModel model, QuantizationNumbers numbers, IReadOnlyDictionary<string, Tensor> input, SessionSettings session, CancellationToken cancellation)
    {
        const int Runs = 12;
        Model quantized = model.Build(model.Everything, numbers, out _);
        Dictionary<string, double> before = ByNode(Profiler.Profile(model.Model, input, Runs, session, cancellation: cancellation));
        Dictionary<string, double> after = ByNode(Profiler.Profile(quantized, input, Runs, session, cancellation: cancellation));
        Dictionary<string, UnitTime> times = [];
        foreach (QuantizationUnit unit in model.Everything.Units.Where(u => u.Anchor.Name.Length > 0))
        {
            double inFloat = before.GetValueOrDefault(unit.Anchor.Name) + (unit.Activation is { Name.Length: > 0 } activation ? before.GetValueOrDefault(activation.Name) : 0);
            if (inFloat > 0 && after.TryGetValue(unit.Anchor.Name, out double inIntegers))
                times[unit.Key] = new(inFloat, inIntegers);
        }
        return times;
    }

    /// <summary>A kernel's time goes to the node it stands for; where the engine fused several, to the first that multiplies weights, else to the last.</summary>
    private static Dictionary<string, double> ByNode(ModelProfile profile)
    {
        Dictionary<string, double> times = [];
        foreach (NodeProfile kernel in profile.Nodes)
        {
            Node? owner = kernel.Sources.FirstOrDefault(n => n.Is("Conv", "MatMul", "Gemm")) ?? kernel.Sources.LastOrDefault(n => !n.Is("QuantizeLinear", "DequantizeLinear"));
            if (owner is { Name.Length: > 0 })
                times[owner.Name] = times.GetValueOrDefault(owner.Name) + kernel.Median;
        }
        return times;
    }
}
