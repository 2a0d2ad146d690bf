using Tersor.Data.Descriptions;
using Tersor.Data.Metrics;
using Tersor.Onnx;
using Tersor.Onnx.Roles;

namespace Tersor.Data;

/// <summary>A data set that is ready to be read, and what its description says about it.</summary>
/// <param name="DataSet">The samples.</param>
/// <param name="Metrics">What is measured on it, as declared; empty when nothing is.</param>
/// <param name="Warnings">What its user should be told before believing a result. Empty when there is nothing to say.</param>
/// <param name="Description">Where it came from.</param>
/// <param name="Folder">The folder that relative paths in it start from.</param>
public sealed record OpenedData(IDataSet DataSet, IReadOnlyList<MetricDescription> Metrics, IReadOnlyList<string> Warnings, DataDescription Description, string Folder)
{
    /// <summary>The same, where a metric that works on logits or probabilities and is not told which takes what the model gives out.</summary>
    /// <param name="model">The model that is measured.</param>
    public OpenedData For(Model model) => this with { Metrics = [.. Metrics.Select(m => Told(m, model))] };

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

    private static MetricDescription Told(MetricDescription metric, Model model)
    {
        bool asks = MetricCatalog.Entries.FirstOrDefault(e => e.Name == metric.Name)?.Parameters.Any(p => p.Name == MetricCatalog.OutputHolds) == true && !metric.Parameters.ContainsKey(MetricCatalog.OutputHolds);
        Value? output = !asks ? null : metric.Parameters.TryGetValue("output", out string? name) ? model.Graph.Outputs.FirstOrDefault(o => o.Name == name) : model.Graph.Outputs is [var first, ..] ? first : null;
        return output is null || OutputEnding.Of(output).Shares is null ? metric
            : metric with { Parameters = new Dictionary<string, string>(metric.Parameters) { [MetricCatalog.OutputHolds] = MetricCatalog.Probabilities } };
    }
}
