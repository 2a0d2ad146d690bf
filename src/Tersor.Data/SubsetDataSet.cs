namespace Tersor.Data;

/// <summary>Some samples of another data set, in a given order. Reads lazily.</summary>
internal sealed class SubsetDataSet(IDataSet inner, string name, int[] indices) : IDataSet, IStratified
{
    public string Name => name;

    public int Count => indices.Length;

    public IReadOnlyDictionary<string, string> Feedback => inner.Feedback;

    public Sample Read(int index) => inner.Read(indices[index]);

    public string? Stratum(int index) => Strata.Of(inner, indices[index]);
}
