using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Tersor.Compression.Training;
using Tersor.Reporting.Training;

namespace Tersor.Reporting.Tests;

/// <summary>The page of a training run.</summary>
public sealed partial class TrainHtmlTests
{
    private const string Hostile = "</script><img src=x onerror=alert(1)> {{policy}} ' & \u2028";

    private static readonly TrainReport Sample = new()
    {
        Input = "models/model.onnx",
        Output = "trained.onnx",
        Samples = 100,
        ValidationSamples = 10,
        Metric = "top-1",
        Start = 0.4,
        Epochs = [new(1, 4, 1.5, 2e-3, 0.5), new(2, 8, 0.9, 1e-3, double.NaN)],
        BestEpoch = 1,
        Trained = ["w"],
        Untouched = [new("s", "is a statistic of a normalization")],
        Loss = "cross-entropy",
        Notes = [],
        Incidents = [],
        Recipe = "3 epochs at most in batches of 64; AdamW, learning rate 0.001, weight decay 0.01; seed 0",
        SamplesPerSecond = 123.4,
        Curve = [new(1, 2), new(2, 1.8)],
    };

    [Fact]
    public void The_page_holds_the_figures_of_the_report_and_nothing_loads()
    {
        RenderedPage page = new(Sample);
        Assert.Equal("model.onnx - training report", page.Markup.Descendants("title").Single().Value);
        using StringWriter expected = new();
        ReportJson.Write(Sample, expected);
        Assert.True(JsonElement.DeepEquals(JsonDocument.Parse(expected.ToString()).RootElement, page.Data));
        Assert.DoesNotContain(page.Markup.Descendants().Attributes(), a => a.Name.LocalName is "src" or "href");
    }

    [Fact]
    public void Names_of_a_model_never_become_markup()
    {
        RenderedPage hostile = new(Sample with { Input = Hostile, Output = Hostile, Metric = Hostile, Teachers = [Hostile], Trained = [Hostile], Untouched = [new(Hostile, Hostile)], Incidents = [Hostile], Notes = [Hostile], Loss = Hostile });
        Assert.DoesNotContain('<', hostile.Json);
        Assert.Empty(hostile.Markup.Descendants("img"));
        Assert.Equal(new RenderedPage(Sample).Policy, hostile.Policy);
    }

    [Fact]
    public void Scripts_ask_for_all_that_a_report_has_and_for_nothing_else()
    {
        HashSet<string> known = [.. typeof(TrainReport).GetProperties().Select(p => JsonNamingPolicy.CamelCase.ConvertName(p.Name))];
        string[] asked = [.. new RenderedPage(Sample).Code.SelectMany(c => ReportProperty().Matches(c)).Select(m => m.Groups[1].Value).Distinct()];
        Assert.Equal(known.Order(StringComparer.Ordinal), asked.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_curve_has_no_more_points_than_a_screen_shows()
    {
        LossCurve curve = new();
        for (int step = 1; step <= 10_000; step++)
            curve.Report(new TrainingProgress(1, step, 10_000, 1.0 / step, 1, null));
        Assert.InRange(curve.Points.Count, 400, 800);
        long apart = curve.Points[1].Step - curve.Points[0].Step;
        Assert.All(curve.Points.Zip(curve.Points.Skip(1)), pair => Assert.Equal(apart, pair.Second.Step - pair.First.Step));
        Assert.Equal(1.0 / curve.Points[^1].Step, curve.Points[^1].Loss);
    }

    [GeneratedRegex(@"(?<![\w.])(?:report|course)\.(\w+)")]
    private static partial Regex ReportProperty();
}
