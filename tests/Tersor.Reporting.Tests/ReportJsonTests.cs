using System.Text.Json;
using Tersor.Reporting.Quantization;

namespace Tersor.Reporting.Tests;

/// <summary>A quantization as JSON.</summary>
public sealed class ReportJsonTests
{
    [Fact]
    public void What_is_unknown_is_left_out()
    {
        JsonElement written = Write(SampleReport.Empty);
        Assert.All(["metric", "floatMetric", "latency", "machine", "date", "maxDrop", "minSqnr"], name => Assert.False(written.TryGetProperty(name, out _), name));
    }

    [Fact]
    public void Budgets_machine_and_date_are_written()
    {
        JsonElement written = Write(SampleReport.Classifier());
        Assert.Equal(0.01, written.GetProperty("budget").GetProperty("maxDrop").GetDouble());
        Assert.Equal("1.31.1", written.GetProperty("machine").GetProperty("engine").GetString());
        Assert.Equal("2026-01-05T14:02:00+00:00", written.GetProperty("date").GetString());
        Assert.True(written.GetProperty("higherIsBetter").GetBoolean());
        Assert.Equal(30, Write(SampleReport.WithoutLabels()).GetProperty("budget").GetProperty("minSqnr").GetDouble());
    }

    [Fact]
    public void Forms_and_roles_are_words()
    {
        JsonElement written = Write(SampleReport.Classifier());
        Assert.Equal("Float", written.GetProperty("layers")[0].GetProperty("form").GetString());
        Assert.Equal("Activation", written.GetProperty("evidence").GetProperty("histograms")[0].GetProperty("role").GetString());
    }

    private static JsonElement Write(QuantizeReport report)
    {
        using StringWriter writer = new();
        ReportJson.Write(report, writer);
        return JsonDocument.Parse(writer.ToString()).RootElement;
    }
}
