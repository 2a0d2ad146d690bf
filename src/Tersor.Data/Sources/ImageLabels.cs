using System.Text.Json;
using Tersor.Data.Preprocessing;
using Tersor.Onnx;

namespace Tersor.Data.Sources;

/// <summary>What is known about each image of a folder.</summary>
internal abstract class ImageLabels
{
    /// <summary>The label of a file, by its path relative to the folder.</summary>
    public abstract IReadOnlyDictionary<string, Tensor> Of(string file, Placement placement);

    /// <summary>The files that have one, or null when every file may.</summary>
    public virtual IReadOnlySet<string>? Files => null;

    public virtual string? Stratum(string file) => null;

    public static ImageLabels Open(string folder, string kind)
    {
        if (kind == "auto")
        {
            kind = File.Exists(Path.Combine(folder, "labels.tsv")) ? "labels.tsv"
                : File.Exists(Path.Combine(folder, "boxes.json")) ? "boxes.json"
                : Directory.Exists(folder) && Directory.EnumerateDirectories(folder).Any() ? "folders" : "none";
        }
        return Path.GetExtension(kind) switch
        {
            ".tsv" => new TableLabels(Path.Combine(folder, kind)),
            ".json" => new BoxLabels(Path.Combine(folder, kind)),
            _ => kind switch
            {
                "none" => new NoLabels(),
                "folders" => new FolderLabels(folder),
                _ => throw new DataException($"labels is '{kind}'; expected auto, none, folders, or the name of a .tsv or .json file in '{folder}'."),
            },
        };
    }

    public static Dictionary<string, Tensor> Class(long index) => new() { ["label"] = Tensor.Vector(index) };

    private sealed class NoLabels : ImageLabels
    {
        public override IReadOnlyDictionary<string, Tensor> Of(string file, Placement placement) => new Dictionary<string, Tensor>();
    }

    /// <summary>The index of the subfolder a file lies in.</summary>
    private sealed class FolderLabels(string folder) : ImageLabels
    {
        private readonly string[] classes = Directory.Exists(folder)
            ? [.. Directory.EnumerateDirectories(folder).Select(d => Path.GetFileName(d)).Order(StringComparer.Ordinal)]
            : [];

        public override IReadOnlyDictionary<string, Tensor> Of(string file, Placement placement)
        {
            int index = Array.BinarySearch(classes, Stratum(file), StringComparer.Ordinal);
            return index >= 0 ? Class(index) : throw new DataException($"'{file}' in '{folder}' lies in no class folder. Move it into one, or set labels: none.");
        }

        public override string Stratum(string file) => file.Split('/')[0];
    }

    /// <summary>Lines of file TAB label. When every label is an integer they are class indices, otherwise texts.</summary>
    private sealed class TableLabels : ImageLabels
    {
        private readonly Dictionary<string, string> labels = new(StringComparer.Ordinal);
        private readonly bool indices;
        private readonly string path;

        public TableLabels(string path)
        {
            this.path = path;
            int number = 0;
            foreach (string line in Sources.Files.Read(path, File.ReadAllLines))
            {
                number++;
                if (line.Length == 0)
                    continue;
                int tab = line.IndexOf('\t');
                if (tab <= 0)
                    throw new DataException($"{path}:{number}: found '{line}'; expected a file name, a tab and a label.");
                if (!labels.TryAdd(line[..tab].Replace('\\', '/'), line[(tab + 1)..]))
                    throw new DataException($"{path}:{number}: '{line[..tab]}' has a label already.");
            }
            indices = labels.Values.All(l => long.TryParse(l, out _));
        }

        public override IReadOnlySet<string> Files => labels.Keys.ToHashSet(StringComparer.Ordinal);

        public override IReadOnlyDictionary<string, Tensor> Of(string file, Placement placement)
        {
            if (!labels.TryGetValue(file, out string? label))
                throw new DataException($"{path} has no line for '{file}'.");
            return indices ? Class(long.Parse(label)) : new Dictionary<string, Tensor> { ["label"] = Tensor.FromStrings([1], [label]) };
        }

        public override string? Stratum(string file) => indices ? labels.GetValueOrDefault(file) : null;
    }

    /// <summary>File → boxes; a box follows its image through resizing, cropping and padding.</summary>
    private sealed class BoxLabels : ImageLabels
    {
        private readonly Dictionary<string, float[][]> boxes;
        private readonly string path;

        public BoxLabels(string path)
        {
            this.path = path;
            try
            {
                using JsonDocument document = JsonDocument.Parse(Sources.Files.Read(path, File.ReadAllBytes));
                boxes = document.RootElement.EnumerateObject().ToDictionary(p => p.Name,
                    p => p.Value.EnumerateArray().Select(b => b.EnumerateArray().Select(v => v.GetSingle()).ToArray()).ToArray(), StringComparer.Ordinal);
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or ArgumentException)
            {
                throw new DataException($"{path}: {e.Message} Expected an object: file name → list of boxes [x0, y0, x1, y1].", e);
            }
            foreach ((string file, float[][] list) in boxes)
            {
                if (list.Any(b => b.Length != 4 || b[2] < b[0] || b[3] < b[1]))
                    throw new DataException($"{path}: a box of '{file}' is not [x0, y0, x1, y1] with x0 <= x1 and y0 <= y1.");
            }
        }

        public override IReadOnlySet<string> Files => boxes.Keys.ToHashSet(StringComparer.Ordinal);

        public override IReadOnlyDictionary<string, Tensor> Of(string file, Placement placement)
        {
            if (!boxes.TryGetValue(file, out float[][]? list))
                throw new DataException($"{path} has no boxes for '{file}'.");
            float[] values = [.. list.Select(b => placement.Map(b[0], b[1], b[2], b[3])).SelectMany(b => new[] { b.X0, b.Y0, b.X1, b.Y1 })];
            return new Dictionary<string, Tensor> { ["boxes"] = Tensor.Create([list.Length, 4], values) };
        }
    }
}
