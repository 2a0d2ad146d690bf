using Tersor.Compression.Quantization.Placement;
using Tersor.Compression.Quantization.Ranges;
using Tersor.Onnx;
using Tersor.Runtime;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Tersor.Pipeline.Quantization;

/// <summary>Gathers what a report shows beside decisions: distributions with the ranges chosen, and where the time goes.</summary>
internal static class EvidenceCollector
{
    private const int Bins = 64, ProfiledRuns = 12;

    /// <summary>Distributions of weights and activations of what runs in 8 bits.</summary>
    public static IReadOnlyList<TensorHistogram> Histograms(StaticForm form)
    {
        (PlacementCandidate candidate, CalibratedModel model, QuantizationNumbers numbers) = form;
        List<TensorHistogram> histograms = [];
        foreach (Value value in candidate.Placement.Only(u => !candidate.Dynamic.Contains(u.Key)).Activations())
        {
            if (model.Distributions.GetValueOrDefault(value) is { HasValues: true } seen && numbers.Ranges.GetValueOrDefault(value.Name) is { } range)
                histograms.Add(Of(value.Name, seen, range));
        }
        foreach (QuantizationUnit unit in candidate.Placement.Units.Where(u => u.Rule.Kind == RuleKind.Weighted))
            histograms.Add(OfWeight(unit, numbers));
        return histograms;
    }

    /// <summary>Time by kernel of two models, the dearest before first.</summary>
    public static IReadOnlyList<OperatorTime> Operators(Model before, Model after, IReadOnlyDictionary<string, Tensor> input, SessionSettings session, CancellationToken cancellation)
    {
        Dictionary<string, double> first = ByKernel(before), second = ByKernel(after);
        return [.. first.Keys.Union(second.Keys).Select(kernel => new OperatorTime(kernel, first.GetValueOrDefault(kernel), second.GetValueOrDefault(kernel)))
            .OrderByDescending(t => t.MillisecondsBefore).ThenByDescending(t => t.MillisecondsAfter)];

        Dictionary<string, double> ByKernel(Model model) => Profiler.Profile(model, input, ProfiledRuns, session, cancellation: cancellation).Nodes
            .GroupBy(n => n.OpType).ToDictionary(g => g.Key, g => g.Sum(n => n.Microseconds) / 1000);
    }

    private static TensorHistogram Of(string name, ValueDistribution seen, ActivationRange range)
    {
        double low = seen.Min, width = (seen.Max - low) / Bins;
        double[] counts = [.. Enumerable.Range(0, Bins).Select(i => seen.Split(low + i * width, low + (i + 1) * width).Inside)];
        return new(name, TensorRole.Activation, low, seen.Max, counts, range.Low, range.High, range.Estimator);
    }

    private static TensorHistogram OfWeight(QuantizationUnit unit, QuantizationNumbers numbers)
    {
        ReadOnlySpan<float> values = unit.Anchor.Inputs[1]!.Constant!.Span<float>();
        float low = TensorPrimitives.Min(values), high = TensorPrimitives.Max(values);
        double[] counts = new double[Bins];
        foreach (float value in values)
            counts[Math.Clamp((int)((value - low) / Math.Max(high - low, float.Epsilon) * Bins), 0, Bins - 1)]++;
        float[]? scales = numbers.WeightScales.GetValueOrDefault(unit.Key);
        if (scales is null && numbers.Format.AsymmetricWeights)
            return new(unit.Name, TensorRole.Weight, low, high, counts, Math.Min(low, 0), Math.Max(high, 0), "least and greatest");
        double end = scales is null ? Math.Max(-low, high) : scales.Max() * (double)numbers.Format.WeightLimit;
        return new(unit.Name, TensorRole.Weight, low, high, counts, -end, end, scales is null ? "largest magnitude" : "repaired");
    }
}
