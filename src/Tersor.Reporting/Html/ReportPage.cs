using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Tersor.Reporting.Html;

/// <summary>Pages of one kind: a report as one JSON document, which a script shows.</summary>
/// <remarks>
/// A model's names are untrusted: the document has every <c>&lt;</c>, <c>&gt;</c> and <c>&amp;</c> escaped, scripts make text of them and never markup, and the page's policy runs no script but its own and
/// loads nothing.
/// </remarks>
/// <param name="script">The embedded script that shows the report.</param>
/// <param name="kind">What the page is, as its title says.</param>
internal sealed class ReportPage(string script, string kind)
{
    private static readonly JsonSerializerOptions Compact = new(ReportContext.Default.Options) { WriteIndented = false };

    private readonly string[] scripts = ScriptsFor(script);

    private readonly Lazy<IReadOnlyDictionary<string, string>> files =
        new(() => ScriptsFor(script).Concat(["report.css", "report.html", "LICENSE.txt"]).ToDictionary(f => f, HtmlPage.Read));

    /// <summary>Writes a page.</summary>
    /// <param name="input">Path of the model it is about.</param>
    /// <param name="report">The report.</param>
    /// <param name="writer">Where the page goes; its encoding must be UTF-8.</param>
    public void Write<T>(string input, T report, TextWriter writer) => HtmlPage.Write(files.Value["report.html"], place => place switch
    {
        "title" => HtmlPage.Escape(input.Split('/', '\\')[^1]),
        "kind" => kind,
        "version" => HtmlPage.Escape(typeof(ReportPage).Assembly.GetName().Version?.ToString(3) ?? ""),
        "policy" => string.Join(' ', scripts.Select(s => HtmlPage.HashOf(files.Value[s]))),
        "report" => JsonSerializer.Serialize(report, (JsonTypeInfo<T>)Compact.GetTypeInfo(typeof(T))),
        "script" => files.Value[script],
        "licences" => HtmlPage.Escape(files.Value["LICENSE.txt"]),
        _ => files.Value.TryGetValue(place, out string? text) ? text : throw new UnreachableException($"The template has a place '{place}'."),
    }, writer);

    private static string[] ScriptsFor(string script) => ["theme.js", "echarts.min.js", "elements.js", "numbers.js", "charts.js", "tables.js", "page.js", "course.js", script];
}
