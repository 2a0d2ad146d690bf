using Tersor.Reporting.Training;

namespace Tersor.Reporting.Html;

/// <summary>A training run as a page: one file that needs no network, for a browser, light or dark, and for paper.</summary>
public static class TrainHtml
{
    private static readonly ReportPage Page = new("train.js", "training report");

    /// <summary>Writes the page.</summary>
    /// <param name="report">What it shows.</param>
    /// <param name="writer">Where the page goes; its encoding must be UTF-8.</param>
    public static void Write(TrainReport report, TextWriter writer) => Page.Write(report.Input, report, writer);
}
