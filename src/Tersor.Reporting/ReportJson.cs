using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Tersor.Reporting.Evaluation;
using Tersor.Reporting.Inspection;
using Tersor.Reporting.Optimization;
using Tersor.Reporting.Quantization;
using Tersor.Reporting.Training;
using Tersor.Runtime;

namespace Tersor.Reporting;

/// <summary>Reports as JSON: camelCase, indented, one document.</summary>
public static class ReportJson
{
    /// <summary>Writes one document and a line end.</summary>
    public static void Write(ModelInspection report, TextWriter output) => Write(report, ReportContext.Default.ModelInspection, output);

    /// <inheritdoc cref="Write(ModelInspection, TextWriter)"/>
    public static void Write(OptimizeReport report, TextWriter output) => Write(report, ReportContext.Default.OptimizeReport, output);

    /// <inheritdoc cref="Write(ModelInspection, TextWriter)"/>
    public static void Write(QuantizeReport report, TextWriter output) => Write(report, ReportContext.Default.QuantizeReport, output);

    /// <inheritdoc cref="Write(ModelInspection, TextWriter)"/>
    public static void Write(EvaluationReport report, TextWriter output) => Write(report, ReportContext.Default.EvaluationReport, output);

    /// <inheritdoc cref="Write(ModelInspection, TextWriter)"/>
    public static void Write(InstallationReport report, TextWriter output) => Write(report, ReportContext.Default.InstallationReport, output);

    /// <inheritdoc cref="Write(ModelInspection, TextWriter)"/>
    public static void Write(ComparisonReport report, TextWriter output) => Write(report, ReportContext.Default.ComparisonReport, output);

    /// <inheritdoc cref="Write(ModelInspection, TextWriter)"/>
    public static void Write(BenchmarkReport report, TextWriter output) => Write(report, ReportContext.Default.BenchmarkReport, output);

    /// <inheritdoc cref="Write(ModelInspection, TextWriter)"/>
    public static void Write(DemoReport report, TextWriter output) => Write(report, ReportContext.Default.DemoReport, output);

    /// <inheritdoc cref="Write(ModelInspection, TextWriter)"/>
    public static void Write(TrainReport report, TextWriter output) => Write(report, ReportContext.Default.TrainReport, output);

    private static void Write<T>(T report, JsonTypeInfo<T> type, TextWriter output) => output.WriteLine(JsonSerializer.Serialize(report, type));
}

/// <summary>Serializers made at build time: no reflection at start-up.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(DoubleJson)], UseStringEnumConverter = true)]
[JsonSerializable(typeof(ModelInspection))]
[JsonSerializable(typeof(OptimizeReport))]
[JsonSerializable(typeof(InstallationReport))]
[JsonSerializable(typeof(QuantizeReport))]
[JsonSerializable(typeof(EvaluationReport))]
[JsonSerializable(typeof(ComparisonReport))]
[JsonSerializable(typeof(BenchmarkReport))]
[JsonSerializable(typeof(DemoReport))]
[JsonSerializable(typeof(TrainReport))]
internal sealed partial class ReportContext : JsonSerializerContext;
