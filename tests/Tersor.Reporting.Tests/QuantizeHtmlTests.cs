using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Tersor.Pipeline.Quantization;
using Tersor.Reporting.Optimization;
using Tersor.Reporting.Quantization;
using Tersor.Runtime;

namespace Tersor.Reporting.Tests;

/// <summary>The page of a quantization: whole, alone, safe, and with the figures of its report.</summary>
public sealed partial class QuantizeHtmlTests
{
    private const string Hostile = "</script><img src=x onerror=alert(1)><!-- {{policy}} ]]> \" ' & \u2028";

    [Fact]
    public void Buttons_side_by_side_go_on_in_the_next_line_where_a_phone_has_no_room()
    {
        string style = Assert.Single(new RenderedPage(SampleReport.Classifier()).Styles);
        Assert.Matches(@"\.choice \{[^}]*flex-wrap: wrap", style);
    }

    [Fact]
    public void Names_of_a_model_never_become_markup()
    {
        RenderedPage harmless = new(SampleReport.Classifier()), hostile = new(WithHostileNames());
        Assert.Equal(harmless.Scripts.Count, hostile.Scripts.Count);
        Assert.Equal(Elements(harmless), Elements(hostile));
        Assert.Empty(hostile.Markup.Descendants("img"));
        Assert.DoesNotContain("<img", hostile.Json, StringComparison.Ordinal);
        Assert.DoesNotContain('<', hostile.Json);
        Assert.Equal(harmless.Policy, hostile.Policy);
    }

    [Fact]
    public void Names_of_a_model_arrive_as_they_are()
    {
        RenderedPage page = new(WithHostileNames());
        Assert.Equal(Hostile, page.Data.GetProperty("layers")[0].GetProperty("layer").GetString());
        Assert.Equal(Hostile, page.Data.GetProperty("float")[0].GetProperty("what").GetString());
        Assert.Equal("{{report}}<b> - quantization report", new RenderedPage(SampleReport.Empty with { Input = @"C:\models\{{report}}<b>" }).Markup.Descendants("title").Single().Value);
    }

    [Fact]
    public void The_page_loads_nothing()
    {
        RenderedPage page = new(SampleReport.Classifier());
        Assert.StartsWith("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-", page.Policy, StringComparison.Ordinal);
        Assert.DoesNotContain(page.Markup.Descendants(), e => e.Name.LocalName is "link" or "img" or "iframe" or "object" or "embed" or "base");
        Assert.DoesNotContain(page.Markup.Descendants().Attributes(), a => a.Name.LocalName is "src" or "href" or "action" || a.Name.LocalName.StartsWith("on", StringComparison.Ordinal));
        Assert.DoesNotContain(page.Styles, s => s.Contains("url(", StringComparison.Ordinal) || s.Contains("@import", StringComparison.Ordinal));
        Assert.All(page.Code, c => Assert.DoesNotMatch(Loading(), c));
    }

    [Fact]
    public void Only_the_scripts_of_the_page_may_run()
    {
        RenderedPage page = new(SampleReport.Classifier());
        IEnumerable<string> hashes = page.Code.Select(c => $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(c)))}'");
        Assert.Equal(hashes, page.Policy.Split("script-src ")[1].Split(' '));
    }

    [Fact]
    public void Scripts_of_the_page_make_text_and_never_markup() =>
        Assert.All(new RenderedPage(SampleReport.Empty).Code.Where(c => c.StartsWith("\"use strict\";\n", StringComparison.Ordinal)), c => Assert.DoesNotMatch(MakingMarkup(), c));

    [Fact]
    public void The_page_holds_the_figures_of_the_report()
    {
        QuantizeReport report = SampleReport.Classifier(bins: 200);
        using StringWriter expected = new();
        ReportJson.Write(report, expected);
        Assert.True(JsonElement.DeepEquals(JsonDocument.Parse(expected.ToString()).RootElement, new RenderedPage(report).Data));
    }

    [Fact]
    public void Scripts_ask_for_all_that_a_report_has_and_for_nothing_else()
    {
        HashSet<string> known = [.. typeof(QuantizeReport).GetProperties().Select(p => JsonNamingPolicy.CamelCase.ConvertName(p.Name))];
        string[] asked = [.. new RenderedPage(SampleReport.Empty).Code.SelectMany(c => ReportProperty().Matches(c)).Select(m => m.Groups[1].Value).Distinct()];
        Assert.Equal(known.Order(StringComparer.Ordinal), asked.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_report_without_measurements_is_a_page()
    {
        RenderedPage page = new(SampleReport.Empty);
        Assert.Equal("model.onnx - quantization report", page.Markup.Descendants("title").Single().Value);
        Assert.Equal(0, page.Data.GetProperty("layers").GetArrayLength());
    }

    [Fact]
    public void Figures_JSON_has_no_number_for_are_written_as_words()
    {
        QuantizationCandidate candidate = new("all", 0, double.NaN, double.PositiveInfinity, new MedianInterval(2, double.NaN, double.NaN), 1, 1, true);
        JsonElement written = new RenderedPage(SampleReport.Empty with { Candidates = [candidate] }).Data.GetProperty("candidates")[0];
        Assert.Equal("Infinity", written.GetProperty("sqnr").GetString());
        Assert.Equal(JsonValueKind.Null, written.GetProperty("speedUp").GetProperty("low").ValueKind);
    }

    [Theory]
    [InlineData(2048, 256)]
    [InlineData(300, 150)]
    [InlineData(257, 129)]
    [InlineData(256, 256)]
    public void Histograms_are_no_finer_than_a_screen_shows(int bins, int expected)
    {
        TensorHistogram histogram = new("x", TensorRole.Activation, -1, 3, [.. Enumerable.Range(1, bins).Select(i => (double)i)], -1, 2, "MinMax");
        JsonElement written = new RenderedPage(SampleReport.Empty with { Evidence = new() { Histograms = [histogram] } }).Data.GetProperty("evidence").GetProperty("histograms")[0];
        double[] counts = [.. written.GetProperty("counts").EnumerateArray().Select(c => c.GetDouble())];
        Assert.Equal(expected, counts.Length);
        Assert.Equal(bins * (bins + 1) / 2.0, counts.Sum());
        double width = (written.GetProperty("high").GetDouble() + 1) / expected, before = 4.0 / bins;
        Assert.Equal(before * Math.Round(width / before), width, 12);
    }

    [Fact]
    public void The_page_of_an_ordinary_model_stays_below_a_megabyte()
    {
        Assert.InRange(Encoding.UTF8.GetByteCount(new RenderedPage(SampleReport.Classifier(bins: 2048)).Text), 1, 1_000_000);
        Assert.InRange(Encoding.UTF8.GetByteCount(new RenderedPage(SampleReport.WithoutLabels()).Text), 1, 1_000_000);
    }

    [Fact]
    public void The_page_carries_the_licences_of_what_it_contains()
    {
        string licences = new RenderedPage(SampleReport.Empty).Markup.Descendants("pre").Single().Value;
        Assert.All(["Apache License", "The Apache Software Foundation", "Mike Bostock", "Baidu Inc.", "Microsoft Corporation"], holder => Assert.Contains(holder, licences, StringComparison.Ordinal));
    }

    [Fact]
    public void The_same_report_gives_the_same_page() => Assert.Equal(new RenderedPage(SampleReport.Classifier()).Text, new RenderedPage(SampleReport.Classifier()).Text);

    private static IEnumerable<string> Elements(RenderedPage page) => page.Markup.Descendants().Select(e => $"{e.Name} {string.Join(' ', e.Attributes().Select(a => a.Name))}");

    private static QuantizeReport WithHostileNames() => SampleReport.Classifier() is var report ? report with
    {
        Input = $"models/{Hostile}",
        Output = Hostile,
        Metric = Hostile,
        Candidates = [.. report.Candidates.Select(c => c with { Name = Hostile })],
        Sensitivities = [.. report.Sensitivities.Select(s => s with { Layer = Hostile })],
        Quantized = [new Subject(Hostile, Hostile)],
        Float = [new Subject(Hostile, Hostile)],
        Layers = [.. report.Layers.Select(l => l with { Layer = Hostile, Operator = Hostile, Reason = Hostile })],
        Evidence = new()
        {
            Histograms = [.. report.Evidence.Histograms.Select(h => h with { Name = Hostile, Estimator = Hostile })],
            Operators = [.. report.Evidence.Operators.Select(o => o with { Operator = Hostile })],
            Repairs = [.. report.Evidence.Repairs.Select(r => r with { Name = Hostile })],
        },
        Machine = report.Machine! with { Cpu = Hostile },
    } : report;

    /// <summary>Addresses of the XML name spaces are names: nothing is loaded from them.</summary>
    [GeneratedRegex(@"\bfetch\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon|importScripts|\bimport\s*\(|https?://(?!www\.w3\.org/)")]
    private static partial Regex Loading();

    [GeneratedRegex(@"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|javascript:")]
    private static partial Regex MakingMarkup();

    [GeneratedRegex(@"(?<![\w.])report\.(\w+)")]
    private static partial Regex ReportProperty();
}
