using Tersor.Pipeline.Quantization;
using Tersor.Reporting.Quantization;

namespace Tersor.Reporting.Html;

/// <summary>A quantization as a page: one file that needs no network, for a browser, light or dark, and for paper.</summary>
public static class QuantizeHtml
{
    /// <summary>Bins of all histograms together: what keeps the page of an ordinary model below a megabyte.</summary>
    private const int AllBins = 40_000;

    /// <summary>Bins of one histogram, at least and at most; no screen shows more.</summary>
    private const int FewestBins = 32, MostBins = 256;

    private static readonly ReportPage Page = new("quantize.js", "quantization report");

    /// <summary>Writes the page.</summary>
    /// <param name="report">What it shows. Sections it has nothing for are left out.</param>
    /// <param name="writer">Where the page goes; its encoding must be UTF-8.</param>
    public static void Write(QuantizeReport report, TextWriter writer) => Page.Write(report.Input, Thin(report), writer);

    /// <summary>The report with histograms no finer than a screen shows.</summary>
    private static QuantizeReport Thin(QuantizeReport report)
    {
        IReadOnlyList<TensorHistogram> histograms = report.Evidence.Histograms;
        int most = Math.Clamp(AllBins / Math.Max(1, histograms.Count), FewestBins, MostBins);
        return report with { Evidence = report.Evidence with { Histograms = [.. histograms.Select(h => Thin(h, most))] } };
    }

    /// <summary>Adds neighbouring bins up. Where their number is not a multiple, the last bin reaches beyond the histogram.</summary>
    private static TensorHistogram Thin(TensorHistogram histogram, int most)
    {
        int bins = histogram.Counts.Count, merged = (bins + most - 1) / most;
        if (merged <= 1)
            return histogram;
        double[] counts = [.. histogram.Counts.Chunk(merged).Select(c => c.Sum())];
        double width = (histogram.High - histogram.Low) / bins;
        return histogram with { Counts = counts, High = histogram.Low + width * merged * counts.Length };
    }
}
