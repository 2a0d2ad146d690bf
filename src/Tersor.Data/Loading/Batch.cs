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
}
