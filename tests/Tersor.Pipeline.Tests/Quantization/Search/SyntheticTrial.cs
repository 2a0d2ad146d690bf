using Tersor.Onnx;
using Tersor.Pipeline.Judging;
using Tersor.Pipeline.Quantization;
using Tersor.Testing;

namespace Tersor.Pipeline.Tests.Quantization.Search;

/// <summary>Trials of which nothing was measured: choosing needs their figures alone.</summary>
internal static class SyntheticTrial
{
    /// <summary>A trial whose speed-up is known to 0.02 either way.</summary>
    public static Trial Of(string name, double sqnr, double speedUp, Fit fit = Fit.Within, int bytes = 4096)
    {
        Model model = Build.Model([1], (g, x) => g.Apply("Add", [x, g.AddInitializer("w", Tensor.Create([bytes], new sbyte[bytes]))]));
        Verdict verdict = new(100, null, [new("y", new(1, 1, 1), 1, new(sqnr, sqnr, sqnr), sqnr, null)], fit, $"{fit}");
        return new(name, QuantizationMode.Static, model, new(), verdict) { SpeedUp = new(speedUp, speedUp - 0.02, speedUp + 0.02) };
    }
}
