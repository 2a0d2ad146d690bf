using Tersor.Data.Metrics;
using Tersor.Data.Preprocessing;
using Tersor.Onnx;

namespace Tersor.Data.Descriptions;

/// <summary>A <see cref="DataDescription"/> from its YAML form.</summary>
internal static class YamlDescription
{
    private static readonly Dictionary<string, TensorLayout> Layouts = new()
    {
        ["NCHW"] = TensorLayout.Nchw,
        ["NHWC"] = TensorLayout.Nhwc,
        ["NHW"] = TensorLayout.Nhw,
    };

    private static readonly Dictionary<string, ElementType> Types = new()
    {
        ["float32"] = ElementType.Float32,
        ["float16"] = ElementType.Float16,
        ["bfloat16"] = ElementType.BFloat16,
        ["float64"] = ElementType.Float64,
        ["uint8"] = ElementType.UInt8,
        ["int8"] = ElementType.Int8,
        ["uint16"] = ElementType.UInt16,
        ["int16"] = ElementType.Int16,
        ["uint32"] = ElementType.UInt32,
        ["int32"] = ElementType.Int32,
        ["uint64"] = ElementType.UInt64,
        ["int64"] = ElementType.Int64,
        ["bool"] = ElementType.Bool,
    };

    /// <summary>Elements of constants, and of states, in all.</summary>
    private const long MostElements = 1 << 24;

    /// <exception cref="DataException">The file cannot be read; every problem with its line.</exception>
    public static DataDescription Load(string path) => YamlDocumentReader.Read(path, map =>
    {
        DataDescription description = new()
        {
            Name = map.Text("name") ?? Path.GetFileNameWithoutExtension(path),
            Root = map.Text("root") ?? ".",
            Splits = Splits(map),
            Preprocess = YamlPreprocessing.Read(map),
            Format = new(map.Choice("layout", Layouts) ?? TensorLayout.Nchw, map.Choice("type", Types) ?? ElementType.Float32),
            Constants = Tensors(map.Map("constants"), needsValue: true),
            States = Tensors(map.Map("states"), needsValue: false),
            Feedback = map.TextMap("feedback"),
            Metrics = Metrics(map),
        };
        foreach ((string output, _) in description.Feedback.Where(f => !description.States.ContainsKey(f.Value)))
            map.Map("feedback")!.Wrong<string>(output, "an input that has a start value in 'states'");
        map.NoMoreKeys();
        return description;
    });

    private static OrderedDictionary<string, SplitDescription> Splits(YamlMap map)
    {
        OrderedDictionary<string, SplitDescription> splits = [];
        YamlMap? source = map.Map("source"), parts = map.Map("splits");
        if (parts is null)
        {
            if (source is null)
                map.RequiredText("source", "where the samples come from, e.g. source: { kind: images, folder: photos }");
            else
                Add("all", source);
            return splits;
        }
        foreach ((string name, YamlMap part) in parts.Maps(source))
            Add(name, part);
        if (splits.Count > 0)
            source?.NoMoreKeys();
        return splits;

        // Which keys are right depends on the kind: when that is wrong, the others are not judged.
        void Add(string name, YamlMap part)
        {
            if (Split(part) is not { } split)
                return;
            splits[name] = split;
            part.NoMoreKeys();
        }
    }

    private static SplitDescription? Split(YamlMap map)
    {
        float[]? part = map.Numbers("part");
        if (part is not null and not [>= 0, <= 1] || part?[0] >= part?[1])
            part = map.Wrong<float[]>("part", "two numbers 0 <= from < to <= 1, e.g. [0, 0.8]");
        int? take = map.Integer("take", 1), seed = map.Integer("seed");
        bool stratified = map.Flag("stratified");
        // float → decimal text → double: 0.1f must become 0.1, or neighbouring parts would not meet.
        return YamlSources.Read(map) is { } source
            ? new(source) { Part = part is null ? null : (double.Parse(part[0].ToString("R")), double.Parse(part[1].ToString("R"))), Take = take, Seed = seed, Stratified = stratified }
            : null;
    }

    private static Dictionary<string, Tensor> Tensors(YamlMap? map, bool needsValue)
    {
        Dictionary<string, Tensor> tensors = [];
        long left = MostElements;
        foreach ((string name, YamlMap entry) in map?.Maps(null) ?? [])
        {
            ElementType type = entry.Choice("type", Types) ?? ElementType.Float32;
            long[] shape = entry.Sizes("shape") ?? [];
            float[]? value = entry.Numbers("value");
            if (value is null && needsValue)
                entry.RequiredText("value", "a number, or a list of them");
            long length = shape.Aggregate(1L, (count, size) => Math.Min(count * Math.Max(size, 1), MostElements + 1)) * (shape.Contains(0) ? 0 : 1);
            left -= length;
            if (left < 0)
                entry.Wrong<string>("shape", "at most 2^24 elements in all");
            else if (value is { Length: > 1 } && value.Length != length)
                entry.Wrong<string>("value", $"one number, or {length}");
            else
                tensors[name] = Numbers.ToTensor(type, shape, value is { Length: > 1 } ? value : [.. Enumerable.Repeat(value is [float one] ? one : 0, (int)length)]);
            entry.NoMoreKeys();
        }
        return tensors;
    }

    private static List<MetricDescription> Metrics(YamlMap map)
    {
        List<MetricDescription> metrics = [];
        foreach ((string name, YamlMap parameters) in map.Items("metrics"))
        {
            MetricDescription metric = parameters.Metric(name);
            if (MetricCatalog.Problem(metric) is { } problem)
                parameters.Problem(problem);
            metrics.Add(metric);
        }
        return metrics;
    }
}
