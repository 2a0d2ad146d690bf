using Tersor.Onnx;

namespace Tersor.Compression.Quantization.Storage;

/// <summary>Chooses which elements of a stored weight share one scale, from what reads it.</summary>
internal static class ScaleAxes
{
    /// <summary>Share of a float weight's bytes that its stored form may take, scales included.</summary>
    private const double MostBytes = 0.75;

    /// <summary>The stored form. Readers that agree about the axis decide it; where they do not, or none knows one, the axis of least squared error does.</summary>
    /// <param name="weight">Float32 and finite.</param>
    /// <param name="uses">All that read it.</param>
    /// <param name="bits">2..8.</param>
    /// <param name="storage">What the integers are stored as.</param>
    public static StoredWeight Choose(Tensor weight, IReadOnlyCollection<WeightUse> uses, int bits, ElementType storage)
    {
        int[] wanted = [.. uses.Select(u => u.ScaleAxis).OfType<int>().Distinct().Where(a => Pays(weight, a, storage))];
        if (wanted is [var only])
            return StoredWeight.Of(weight, only, bits);
        int[] tried = wanted.Length > 0 ? wanted : [.. Enumerable.Range(0, weight.Rank).Where(a => weight.Shape[a] > 1 && Pays(weight, a, storage))];
        // The single scale comes first: it is taken only where no axis is closer.
        return tried.Select(a => (int?)a).Prepend(null).Select(a => StoredWeight.Of(weight, a, bits)).MinBy(s => s.SquaredError(weight))!;
    }

    private static bool Pays(Tensor weight, int axis, ElementType storage) => StoredWeight.Bytes(weight, axis, storage) <= MostBytes * weight.ByteLength;
}
