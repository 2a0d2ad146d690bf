using Tersor.Onnx;

namespace Tersor.Data.Loading;

/// <summary>Several samples stacked along the first dimension.</summary>
/// <param name="Samples">The samples it was made of, in order: their labels are there, whatever their shapes.</param>
/// <param name="Inputs">Input tensors by name, samples stacked and padded. Tensors without dimensions are not stacked: they are equal in all samples.</param>
/// <param name="Labels">Labels that every sample has with the same type and shape, stacked; others are only in <paramref name="Samples"/>.</param>
public sealed record Batch(IReadOnlyList<Sample> Samples, IReadOnlyDictionary<string, Tensor> Inputs, IReadOnlyDictionary<string, Tensor> Labels)
{
    /// <summary>Number of samples.</summary>
    public int Count => Samples.Count;

    /// <summary>Labels that every one of some samples has with the same type and shape, stacked.</summary>
    /// <param name="samples">At least one.</param>
    public static IReadOnlyDictionary<string, Tensor> StackedLabels(IReadOnlyList<Sample> samples)
    {
        Dictionary<string, Tensor> labels = [];
        foreach (string name in samples[0].Labels.Keys.Where(n => samples.All(s => s.Labels.ContainsKey(n))))
        {
            Tensor[] tensors = [.. samples.Select(s => s.Labels[name])];
            // Boxes differ in number from sample to sample: stacked, nobody could tell whose they are.
            if (tensors.All(t => t.Type == tensors[0].Type && t.Rank > 0 && t.Shape.AsSpan().SequenceEqual(tensors[0].Shape.AsSpan())))
                labels[name] = Stacking.Stack(tensors, 0, name);
        }
        return labels;
    }
}
