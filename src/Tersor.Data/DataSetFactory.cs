using Tersor.Data.Descriptions;
using Tersor.Data.Sources;

namespace Tersor.Data;

/// <summary>Opens data sets from descriptions, files and folders.</summary>
public static class DataSetFactory
{
    /// <summary>Opens what a user names: a <c>.yaml</c> description or a folder of the MNIST family's IDX files (<c>#split</c> may follow), a folder of images or WAV files, a <c>.npz</c> or <c>.npy</c> file, or
    /// <c>random</c> (<c>random,count=16,seed=7,x=1x3x48x320</c>).</summary>
    /// <param name="spec">The name.</param>
    /// <param name="modelInputs">What the model takes; needed by random data and by names that do not say which input is fed.</param>
    /// <param name="root">Replaces the description's root, when not null.</param>
    /// <param name="split">The part wanted where the description has several and <paramref name="spec"/> names none.</param>
    /// <exception cref="DataException">Nothing there, or it cannot be used as asked.</exception>
    public static OpenedData Open(string spec, IReadOnlyList<ModelInput>? modelInputs = null, string? root = null, string? split = null)
    {
        if (spec == "random" || spec.StartsWith("random,", StringComparison.Ordinal))
            return Open(DirectData.Random(spec), ".", modelInputs);
        (string path, string? named) = SplitName(spec);
        if (Path.GetExtension(path) is ".yaml" or ".yml")
        {
            string folder = Path.GetDirectoryName(Files.FullPath(path))!;
            DataDescription description = YamlDescription.Load(path);
            // A root given by hand is relative to where its giver stands, not to the file.
            return Open(root is null ? description : description with { Root = Files.FullPath(root) }, folder, modelInputs, named ?? split, spec);
        }
        if (DirectData.Describe(path, modelInputs) is not var (direct, warnings))
            throw new DataException($"'{spec}' is no data set: expected a .yaml description, a folder of images, WAV files or the IDX files of the MNIST family, a .npz or .npy file, or random.");
        OpenedData opened = direct.Splits.Count > 1 ? Open(direct, ".", modelInputs, named ?? split, spec) : Open(direct, ".", modelInputs, named);
        return opened with { Warnings = [.. opened.Warnings, .. warnings] };
    }

    /// <summary>Opens one part of a described data set.</summary>
    /// <param name="description">What it is.</param>
    /// <param name="baseFolder">The folder that the description's root is relative to.</param>
    /// <param name="modelInputs">What the model takes, when it is known.</param>
    /// <param name="split">Which part; null when there is only one.</param>
    /// <exception cref="DataException">The part does not exist, or its files are missing or broken.</exception>
    public static OpenedData Open(DataDescription description, string baseFolder, IReadOnlyList<ModelInput>? modelInputs = null, string? split = null) =>
        Open(description, baseFolder, modelInputs, split, description.Name);

    /// <summary>Reads a description without opening any of its data.</summary>
    /// <exception cref="DataException">The file cannot be read; every problem with its line.</exception>
    public static DataDescription ReadDescription(string path) => YamlDescription.Load(path);

    private static OpenedData Open(DataDescription description, string baseFolder, IReadOnlyList<ModelInput>? modelInputs, string? split, string asked)
    {
        string[] names = [.. description.Splits.Keys];
        string name = (split, names) switch
        {
            (_, ["all"]) when split is null or "calibration" or "validation" or "test" => "all",
            (null, [string only]) => only,
            (null, _) => throw new DataException($"'{asked}' has the parts {string.Join(", ", names)}; say which one, e.g. '{asked}#{names.FirstOrDefault("test")}'."),
            ({ } wanted, _) when names.Contains(wanted) => wanted,
            ({ } wanted, _) => throw new DataException($"'{asked}' has no part '{wanted}'; it has {string.Join(", ", names)}.{Nearest.Hint(wanted, names)}"),
        };
        string folder = Files.FullPath(Path.Combine(baseFolder, description.Root));
        SplitDescription part = description.Splits[name];
        string title = names.Length == 1 ? description.Name : $"{description.Name}#{name}";
        IDataSet data = new SourceOpener(description, folder, title, modelInputs).Open(part.Source);
        if (description.Constants.Count + description.States.Count + description.Feedback.Count > 0)
            data = new StatefulDataSet(data, description.Constants, description.States, description.Feedback);
        IReadOnlyList<string> warnings = part.Source is RandomSource ? [RandomDataSet.Warning] : [];
        return new(Chosen(data, part, title), description.Metrics, warnings, description, folder);
    }

    private static IDataSet Chosen(IDataSet data, SplitDescription part, string title)
    {
        if (part.Part is { } share)
        {
            int[] order = DataSetExtensions.Order(data, part.Seed ?? 0, part.Stratified);
            int from = At(share.From), to = At(share.To);
            data = to > from ? data.Select(order[from..to]) : throw new DataException($"{title}: part [{share.From}, {share.To}] of {Plural.Of(order.Length, "sample")} is empty.");

            int At(double fraction) => (int)Math.Round(fraction * order.Length, MidpointRounding.AwayFromZero);
        }
        if (part.Take is { } take)
            data = part.Seed is null && !part.Stratified ? data.Take(take) : data.Take(take, part.Seed ?? 0, part.Stratified);
        return data;
    }

    // 'a.yaml#test', 'folder#test'; a # elsewhere is part of a file name.
    private static (string Path, string? Split) SplitName(string spec)
    {
        int hash = spec.LastIndexOf('#');
        return hash > 0 && (Path.GetExtension(spec[..hash]) is ".yaml" or ".yml" || (Directory.Exists(spec[..hash]) && !Path.Exists(spec))) ? (spec[..hash], spec[(hash + 1)..]) : (spec, null);
    }
}
