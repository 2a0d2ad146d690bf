using System.Globalization;

namespace Tersor.Data.Descriptions;

/// <summary>Sources from their YAML form.</summary>
internal static class YamlSources
{
    private static readonly OrderedDictionary<string, Func<YamlMap, DataSource>> Kinds = new()
    {
        ["images"] = m => new ImageFolderSource
        {
            Input = m.Text("input"),
            Folder = m.RequiredText("folder", "a folder of images"),
            Files = m.Text("files") ?? "*",
            Labels = m.Text("labels") ?? "auto",
            Variants = [.. m.List("variants").Select(Variant)],
        },
        ["idx"] = m => new IdxSource { Input = m.Text("input"), Images = m.RequiredText("images", "an IDX file"), Labels = m.Text("labels") },
        ["numpy"] = m => new NumpySource
        {
            Input = m.Text("input"),
            File = m.RequiredText("file", "a .npy or .npz file"),
            LabelsFile = m.Text("labels_file"),
            Inputs = m.TextMap("inputs"),
            Labels = m.TextMap("labels"),
        },
        ["wav"] = m => new WavSource
        {
            Input = m.Text("input"),
            Folder = m.RequiredText("folder", "a folder of WAV files"),
            Files = m.Text("files") ?? "*.wav",
            Frame = m.Integer("frame", 1) ?? Missing(m, "frame", "the number of samples in a frame"),
            Hop = m.Integer("hop", 1),
            Context = m.Integer("context", 0) ?? 0,
            SampleRate = m.Integer("sample_rate", 1),
            Channel = m.Text("channel") is { } channel ? Channel(m, channel) : 0,
            LabelSuffix = m.Text("label_suffix") ?? ".labels.txt",
        },
        ["random"] = m => new RandomSource
        {
            Count = m.Integer("count", 1) ?? 8,
            Seed = m.Integer("seed") ?? 0,
            Shapes = Shapes(m.Map("shapes")),
        },
    };

    public static DataSource? Read(YamlMap map)
    {
        string kind = map.RequiredText("kind", string.Join(", ", Kinds.Keys));
        if (Kinds.TryGetValue(kind, out Func<YamlMap, DataSource>? read))
            return read(map);
        return kind.Length > 0 ? map.Wrong<DataSource>("kind", $"{string.Join(", ", Kinds.Keys)}.{Nearest.Hint(kind, Kinds.Keys)}") : null;
    }

    private static ImageVariant Variant(YamlMap map)
    {
        ImageVariant variant = new(YamlPreprocessing.Turn(map), map.Integer("label", 0));
        foreach (string problem in variant.Turn.Problems())
            map.Problem(problem);
        map.NoMoreKeys();
        return variant;
    }

    private static Dictionary<string, IReadOnlyList<long>> Shapes(YamlMap? map)
    {
        Dictionary<string, IReadOnlyList<long>> shapes = [];
        foreach (string name in map?.Keys ?? [])
            shapes[name] = map!.Sizes(name) ?? [];
        return shapes;
    }

    private static int? Channel(YamlMap map, string text) =>
        text == "mean" ? null
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int channel) ? channel
        : map.Wrong<int?>("channel", "a channel's number, from 0, or mean");

    private static int Missing(YamlMap map, string key, string expected)
    {
        if (!map.Has(key))
            map.RequiredText(key, expected);
        return 1;
    }
}
