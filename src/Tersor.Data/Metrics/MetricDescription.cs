namespace Tersor.Data.Metrics;

/// <summary>A metric of <see cref="MetricCatalog"/> with its parameters, as text: the same in YAML, options and reports.</summary>
/// <param name="Name">Its name in the catalogue.</param>
/// <param name="Parameters">Values by parameter name; those that are absent have their defaults.</param>
public sealed record MetricDescription(string Name, IReadOnlyDictionary<string, string> Parameters)
{
    /// <summary>Where it was declared, for messages; empty for code.</summary>
    public string Where { get; init; } = "";
}
