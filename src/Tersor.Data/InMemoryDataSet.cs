namespace Tersor.Data;

/// <summary>Samples that are already in memory.</summary>
public sealed class InMemoryDataSet(string name, IReadOnlyList<Sample> samples, IReadOnlyDictionary<string, string>? feedback = null) : IDataSet
{
    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public int Count => samples.Count;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> Feedback { get; } = feedback ?? new Dictionary<string, string>();

    /// <inheritdoc/>
    public Sample Read(int index) => samples[index];
}
