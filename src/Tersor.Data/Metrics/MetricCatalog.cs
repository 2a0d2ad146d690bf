namespace Tersor.Data.Metrics;

/// <summary>One parameter of a metric.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Default">Its value when it is not given; null: it must be given, or has no default.</param>
/// <param name="Summary">What it says.</param>
public sealed record MetricParameter(string Name, string? Default, string Summary);

/// <summary>One line of the catalogue.</summary>
/// <param name="Name">The metric's name in YAML, options and reports.</param>
/// <param name="Summary">What it measures.</param>
/// <param name="NeedsReference">Whether it compares with a reference model.</param>
/// <param name="Parameters">What it can be told.</param>
public sealed record MetricEntry(string Name, string Summary, bool NeedsReference, IReadOnlyList<MetricParameter> Parameters)
{
    internal Func<MetricArguments, IMetric> Create { get; init; } = _ => throw new System.Diagnostics.UnreachableException();
}

/// <summary>All metrics by name.</summary>
public static class MetricCatalog
{
    /// <summary>Parameter of a metric of classes: whether its output holds logits or probabilities.</summary>
    internal const string OutputHolds = "from", Probabilities = "probabilities";

    private static readonly MetricParameter Output = new("output", null, "name of the output; absent: the first one"),
        AllOutputs = new("output", null, "name of the output; absent: all outputs together"),
        Label = new("label", "label", "name of the label"),
        K = new("k", "5", "how many of the highest scores count"),
        From = new(OutputHolds, "logits", "what the output holds: logits or probabilities; absent: as the operator says that ends the model"),
        Against = new("against", "reference", "what it is compared with: reference, or the name of a label"),
        Peak = new("peak", "1", "the largest possible value"),
        Element = new("element", "-1", "which element of the output is the score; negative counts from the end"),
        Threshold = new("threshold", "0.5", "scores at or above it mean class 1");

    /// <summary>Every metric, in the order in which help lists them.</summary>
    public static IReadOnlyList<MetricEntry> Entries { get; } =
    [
        new("top-1", "share of samples whose highest score is the right class", false, [Output, Label])
            { Create = a => new TopKMetric(1, a.Text("output"), a.Text("label")!) },
        new("top-k", "share of samples whose right class is among the k highest scores", false, [K, Output, Label])
            { Create = a => new TopKMetric(a.Integer("k", 1, 1_000_000), a.Text("output"), a.Text("label")!) },
        new("cross-entropy", "mean of -ln p(right class)", false, [Output, Label, From])
            { Create = a => new CrossEntropyMetric(a.Choice(OutputHolds, "logits", Probabilities) == "logits", a.Text("output"), a.Text("label")!) },
        new("mse", "mean squared difference", true, [AllOutputs, Against])
            { Create = a => new MeanSquaredErrorMetric(a.Text("output"), a.Against(), null) },
        new("psnr", "peak signal to noise ratio in dB: 10 log10(peak² / mse)", true, [AllOutputs, Against, Peak])
            { Create = a => new MeanSquaredErrorMetric(a.Text("output"), a.Against(), a.Number("peak", double.Epsilon, double.MaxValue)) },
        new("cosine", "cosine of the angle between output and reference, mean over samples", true, [AllOutputs])
            { Create = a => new CosineMetric(a.Text("output")) },
        new("sqnr", "signal to quantization noise ratio in dB: 10 log10(Σ reference² / Σ difference²)", true, [AllOutputs])
            { Create = a => new SqnrMetric(a.Text("output")) },
        new("top-1-agreement", "share of samples where output and reference have the same highest score", true, [Output])
            { Create = a => new AgreementMetric(a.Text("output")) },
        new("auc", "area under the ROC curve: how often a positive scores higher than a negative", false, [Output, Label, Element])
            { Create = a => new AucMetric(a.Text("output"), a.Text("label")!, a.Integer("element", int.MinValue, int.MaxValue)) },
        new("threshold-accuracy", "share of right answers when scores are cut at a threshold", false, [Threshold, Output, Label, Element])
            { Create = a => new ThresholdAccuracyMetric(a.Number("threshold", double.MinValue, double.MaxValue), a.Text("output"), a.Text("label")!, a.Integer("element", int.MinValue, int.MaxValue)) },
        new("ctc-accuracy", "1 - edit distance / characters, over the whole set, of greedily decoded text", false,
        [
            Output, Label,
            new("keys", null, "file with one symbol a line; line k is class k, class 0 is the blank"),
            new("space", "true", "one more class after the last line is the space"),
            new("ignore_spaces", "false", "leave out spaces on both sides"),
            new("fold", "false", "treat typographic quotes, dashes and full-width forms as their ASCII forms"),
        ])
            { Create = a => new CtcAccuracyMetric(a.Lines("keys"), a.Flag("space"), a.Flag("ignore_spaces"), a.Flag("fold"), a.Text("output"), a.Text("label")!) },
        new("detection", "boxes found in a probability map against true boxes, matched by intersection over union", false,
        [
            Output,
            new("label", "boxes", "name of the label: boxes x0, y0, x1, y1"),
            new("measure", "f1", "f1, precision or recall"),
            new("threshold", "0.3", "pixels above it belong to a box"),
            new("box_threshold", "0.6", "least mean probability of a box"),
            new("expand", "1.5", "how far a box grows: by area · expand / perimeter on every side"),
            new("min_size", "3", "shortest side, in pixels, before growing"),
            new("iou", "0.5", "least intersection over union of a match"),
        ])
            { Create = a => new DetectionMetric(new(a), a.Choice("measure", "f1", "precision", "recall"), a.Text("output"), a.Text("label")!) },
    ];

    /// <summary>A new, empty metric.</summary>
    /// <param name="description">Name and parameters.</param>
    /// <param name="folder">The folder that file names in parameters start from.</param>
    /// <exception cref="DataException">The name or a parameter is unknown, missing or wrong.</exception>
    public static IMetric Create(MetricDescription description, string folder = ".")
    {
        string where = description.Where.Length > 0 ? $"{description.Where}: " : "";
        if (Problem(description) is { } problem)
            throw new DataException(where + problem);
        MetricEntry entry = Entries.First(e => e.Name == description.Name);
        return entry.Create(new(entry, description.Parameters, folder, where));
    }

    /// <summary>What is wrong with the names in a description, or null.</summary>
    internal static string? Problem(MetricDescription description)
    {
        if (Entries.FirstOrDefault(e => e.Name == description.Name) is not { } entry)
            return $"there is no metric '{description.Name}'; expected {string.Join(", ", Entries.Select(e => e.Name))}.{Nearest.Hint(description.Name, Entries.Select(e => e.Name))}";
        string[] names = [.. entry.Parameters.Select(p => p.Name)];
        return description.Parameters.Keys.FirstOrDefault(k => !names.Contains(k)) is { } unknown
            ? $"metric '{entry.Name}' has no parameter '{unknown}'; expected {string.Join(", ", names)}.{Nearest.Hint(unknown, names)}"
            : null;
    }
}
