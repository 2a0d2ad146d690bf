using System.CommandLine;
using System.CommandLine.Parsing;
using Tersor.Data;
using Tersor.Data.Metrics;
using Tersor.Onnx;
using Tersor.Pipeline.Judging;

namespace Tersor.Cli.Parsing;

/// <summary>The options that name data, and the data they name.</summary>
internal sealed class DataOptions
{
    private readonly Option<string?> data = new("--data", "-d")
    {
        Description = "Data: a .yaml description (#part may follow), a folder of images, WAV files or the IDX files of the MNIST family, a .npz or .npy file, or random (random,count=16,seed=7,x=1x3x48x320).",
        HelpName = "what",
    };

    private readonly Option<string?> root = new("--data-root") { Description = "Folder that replaces the root named in the .yaml description.", HelpName = "folder" };

    private readonly Option<string[]> metrics = new("--metric")
    {
        Description = $"Metric to use instead of those the description names; may be given several times: {string.Join(", ", MetricNames)}.",
        HelpName = "name",
        DefaultValueFactory = _ => [],
        Validators =
        {
            result =>
            {
                foreach (Token token in result.Tokens.Where(t => !MetricNames.Contains(t.Value)))
                {
                    string hint = ParseErrors.Closest(token.Value, MetricNames) is { } meant ? $"Did you mean '{meant}'?" : $"There are {string.Join(", ", MetricNames)}.";
                    result.AddError($"There is no metric '{token.Value}'. {hint}");
                }
            },
        },
    };

    /// <summary>Known without loading the metrics themselves; a test compares it with the catalogue.</summary>
    internal static readonly string[] MetricNames =
        ["top-1", "top-k", "cross-entropy", "mse", "psnr", "cosine", "sqnr", "top-1-agreement", "auc", "threshold-accuracy", "ctc-accuracy", "detection"];

    public DataOptions(bool required) => data.Required = required;

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command, bool withMetrics = true)
    {
        command.Add(data);
        command.Add(root);
        if (withMetrics)
            command.Add(metrics);
    }

    /// <summary>What was asked for.</summary>
    /// <exception cref="UsageException">A root for no data.</exception>
    public DataRequest Read(ParseResult parsed) => parsed.GetValue(data) is null && parsed.GetValue(root) is not null ? throw new UsageException("--data-root is the root of data; give them with --data.") : new(parsed.GetValue(data), parsed.GetValue(root), parsed.GetResult(metrics) is null ? [] : parsed.GetValue(metrics) ?? []);
}

/// <summary>Data as a command line names them.</summary>
/// <param name="Spec">What <see cref="DataSetFactory"/> opens; null when no data are given.</param>
/// <param name="Root">Replaces the description's root.</param>
/// <param name="Metrics">Names of metrics to use instead of the declared ones.</param>
internal sealed record DataRequest(string? Spec, string? Root, string[] Metrics)
{
    /// <summary>No data.</summary>
    public static DataRequest None { get; } = new(null, null, []);

    /// <summary>Opens the data and passes its warnings on; null when none are given.</summary>
    /// <param name="model">The model they are for.</param>
    /// <param name="part">The part wanted where the description has several and the user names none.</param>
    /// <param name="terminal">Told the warnings.</param>
    public OpenedData? Open(Model model, string part, Terminal terminal)
    {
        if (Spec is null)
            return null;
        OpenedData opened = DataSetFactory.Open(Spec, ModelInput.Of(model), Root, part);
        foreach (string warning in opened.Warnings)
            terminal.Say($"Warning: {warning}");
        return (Metrics.Length == 0 ? opened : opened with { Metrics = [.. Metrics.Select(name => Declared(opened, name))] }).For(model);
    }

    /// <summary>Makes the metric that models are judged by on these samples; null: there is none that needs labels only, or the samples have none.</summary>
    /// <exception cref="UsageException">The user named one that needs labels, and the samples have none.</exception>
    public Func<IMetric>? LabelMetric(OpenedData data)
    {
        Func<IMetric>? metric = data.LabelMetric();
        if (metric is null && Metrics.Length > 0 && data.CreateMetrics().FirstOrDefault(m => !m.NeedsReference) is { } named)
            throw new UsageException($"--metric {named.Name} needs labels, and '{data.DataSet.Name}' has none. Leave it out, or give data with labels.");
        return metric;
    }

    /// <summary>The budget with limits on those metrics that the user named and that compare with the original model.</summary>
    /// <exception cref="UsageException">One of them is nothing a result can be held to.</exception>
    public Budget Limiting(Budget budget) => Metrics.Where(name => MetricCatalog.Entries.Any(e => e.Name == name && e.NeedsReference)).Aggregate(budget, (limits, name) => limits.Limiting(name)
        ?? throw new UsageException($"--metric {name} is no limit a result can be held to; cosine, sqnr and top-1-agreement are (--min-cosine, --min-sqnr, --min-agreement)."));

    /// <summary>True when the description has a part of that name and the user did not choose one.</summary>
    public bool HasPart(OpenedData opened, string part) => Spec is { } spec && !spec.Contains('#') && opened.Description.Splits.Count > 1 && opened.Description.Splits.ContainsKey(part);

    // A metric that is declared keeps its parameters.
    private static MetricDescription Declared(OpenedData opened, string name) =>
        opened.Metrics.FirstOrDefault(m => m.Name == name) ?? new(name, new Dictionary<string, string>()) { Where = "--metric" };
}
