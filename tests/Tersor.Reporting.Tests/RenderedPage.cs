using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Tersor.Reporting.Html;
using Tersor.Reporting.Quantization;
using Tersor.Reporting.Training;

namespace Tersor.Reporting.Tests;

/// <summary>A page taken apart as a browser does it: a script ends at the first closing tag, whatever stands in it.</summary>
internal sealed partial class RenderedPage
{
    public RenderedPage(QuantizeReport report) : this(writer => QuantizeHtml.Write(report, writer))
    {
    }

    public RenderedPage(TrainReport report) : this(writer => TrainHtml.Write(report, writer))
    {
    }

    private RenderedPage(Action<TextWriter> write)
    {
        using StringWriter writer = new();
        write(writer);
        Text = writer.ToString();
        Scripts = [.. Script().Matches(Text).Select(m => (m.Groups["attributes"].Value, m.Groups["body"].Value))];
        // What is left when scripts and styles are empty is XML: every tag is closed, every attribute quoted.
        Markup = XDocument.Parse(Style().Replace(Script().Replace(Text, "<script></script>"), "<style></style>"));
        Styles = [.. Style().Matches(Text).Select(m => m.Groups["body"].Value)];
    }

    public string Text { get; }

    public XDocument Markup { get; }

    public IReadOnlyList<(string Attributes, string Body)> Scripts { get; }

    public IReadOnlyList<string> Styles { get; }

    /// <summary>Scripts that run.</summary>
    public IEnumerable<string> Code => Scripts.Where(s => s.Attributes.Length == 0).Select(s => s.Body);

    /// <summary>The text of the document the scripts show.</summary>
    public string Json => Assert.Single(Scripts, s => s.Attributes.Contains("application/json", StringComparison.Ordinal)).Body;

    public JsonElement Data => JsonDocument.Parse(Json).RootElement;

    public string Policy => Markup.Descendants("meta").Single(m => (string?)m.Attribute("http-equiv") == "Content-Security-Policy").Attribute("content")!.Value;

    [GeneratedRegex(@"<script(?<attributes>[^>]*)>(?<body>.*?)</script\s*>", RegexOptions.Singleline | RegexOptions.IgnoreCase)]
    private static partial Regex Script();

    [GeneratedRegex(@"<style>(?<body>.*?)</style\s*>", RegexOptions.Singleline | RegexOptions.IgnoreCase)]
    private static partial Regex Style();
}
