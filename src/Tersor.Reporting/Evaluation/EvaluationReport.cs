using Tersor.Pipeline.Evaluation;
using Tersor.Runtime;

namespace Tersor.Reporting.Evaluation;

/// <summary>What <c>tersor eval</c> measured.</summary>
/// <param name="Model">The model.</param>
/// <param name="Reference">The model it was compared with; null when it was not.</param>
/// <param name="Data">The data.</param>
/// <param name="Samples">How many samples were run.</param>
/// <param name="Metrics">The figures.</param>
/// <param name="Seconds">Wall-clock time of reading, preprocessing and running.</param>
public sealed record EvaluationReport(string Model, string? Reference, string Data, int Samples, IReadOnlyList<MetricValue> Metrics, double Seconds)
{
    /// <summary>Outputs that no metric sees, since they are no tensors.</summary>
    public IReadOnlyList<string> LeftOut { get; init; } = [];
}

/// <summary>What <c>tersor compare</c> measured.</summary>
/// <param name="Data">The data.</param>
/// <param name="Samples">How many samples were run.</param>
/// <param name="Models">The first model and the second.</param>
/// <param name="Outputs">The second model's outputs against the first's.</param>
/// <param name="Latency">Both models measured against each other.</param>
public sealed record ComparisonReport(string Data, int Samples, IReadOnlyList<ComparedModel> Models, IReadOnlyList<MetricValue> Outputs, BenchmarkReport Latency)
{
    /// <summary>Outputs that were not compared, since they are no tensors.</summary>
    public IReadOnlyList<string> LeftOut { get; init; } = [];
}

/// <summary>One of the models that were compared.</summary>
/// <param name="Model">The file.</param>
/// <param name="Bytes">Its size, external data included.</param>
/// <param name="Metrics">Its figures against the labels; empty where there are none.</param>
public sealed record ComparedModel(string Model, long Bytes, IReadOnlyList<MetricValue> Metrics);

/// <summary>What <c>tersor demo</c> made and measured.</summary>
/// <param name="Folder">Where the models are kept; null when they are not.</param>
/// <param name="Samples">Test images the accuracy was measured on.</param>
/// <param name="Models">The model as it is, optimized, quantized.</param>
/// <param name="Latency">All of them measured against each other.</param>
public sealed record DemoReport(string? Folder, int Samples, IReadOnlyList<ComparedModel> Models, BenchmarkReport Latency);
