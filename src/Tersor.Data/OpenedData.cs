using Tersor.Data.Descriptions;
using Tersor.Data.Metrics;

namespace Tersor.Data;

/// <summary>A data set that is ready to be read, and what its description says about it.</summary>
/// <param name="DataSet">The samples.</param>
/// <param name="Metrics">What is measured on it, as declared; empty when nothing is.</param>
/// <param name="Warnings">What its user should be told before believing a result. Empty when there is nothing to say.</param>
/// <param name="Description">Where it came from.</param>
/// <param name="Folder">The folder that relative paths in it start from.</param>
public sealed record OpenedData(IDataSet DataSet, IReadOnlyList<MetricDescription> Metrics, IReadOnlyList<string> Warnings, DataDescription Description, string Folder)
{
    /// <summary>New, empty metrics as declared.</summary>
    /// <exception cref="DataException">A metric or a parameter is unknown or wrong.</exception>
    public IReadOnlyList<IMetric> CreateMetrics() => [.. Metrics.Select(m => MetricCatalog.Create(m, Folder))];

    /// <summary>The class of every symbol of text labels, from the keys of a declared metric; empty where none has any.</summary>
    /// <exception cref="DataException">A metric or a parameter is unknown or wrong.</exception>
    public IReadOnlyDictionary<string, int> Symbols() => CreateMetrics().OfType<CtcAccuracyMetric>().FirstOrDefault()?.Classes ?? new Dictionary<string, int>();

    /// <summary>Makes the first declared metric that needs labels only; null: there is none, or the samples have no labels.</summary>
    /// <exception cref="DataException">A metric or a parameter is unknown or wrong.</exception>
    public Func<IMetric>? LabelMetric()
    {
        if (DataSet.Count > 0 && DataSet.Read(0).Labels.Count == 0)
            return null;
        int index = CreateMetrics().ToList().FindIndex(m => !m.NeedsReference);
        return index < 0 ? null : () => MetricCatalog.Create(Metrics[index], Folder);
    }
}
