using Tersor.Data.Preprocessing;

namespace Tersor.Data.Descriptions;

/// <summary>Preprocessing steps from their YAML form.</summary>
internal static class YamlPreprocessing
{
    private static readonly Dictionary<string, ResizeFilter> Filters = new()
    {
        ["nearest"] = ResizeFilter.Nearest,
        ["bilinear"] = ResizeFilter.Bilinear,
        ["bicubic"] = ResizeFilter.Bicubic,
        ["area"] = ResizeFilter.Area,
        ["lanczos"] = ResizeFilter.Lanczos,
    };

    private static readonly Dictionary<string, SizeRounding> Roundings = new()
    {
        ["nearest"] = SizeRounding.Nearest,
        ["down"] = SizeRounding.Down,
        ["up"] = SizeRounding.Up,
    };

    private static readonly Dictionary<string, Alignment> Alignments = new()
    {
        ["top-left"] = Alignment.TopLeft,
        ["center"] = Alignment.Center,
    };

    private static readonly Dictionary<string, ChannelOrder> Orders = new()
    {
        ["rgb"] = ChannelOrder.Rgb,
        ["bgr"] = ChannelOrder.Bgr,
        ["grey"] = ChannelOrder.Grey,
    };

    private static readonly Dictionary<string, bool> Antialiasing = new()
    {
        ["true"] = true,
        ["false"] = false,
    };

    private static readonly Dictionary<string, bool> Mirrors = new()
    {
        ["horizontal"] = true,
        ["none"] = false,
    };

    private static readonly OrderedDictionary<string, Func<YamlMap, PreprocessStep>> Steps = new()
    {
        ["resize"] = m => new ResizeStep
        {
            Width = m.Integer("width"),
            Height = m.Integer("height"),
            Shortest = m.Integer("shortest"),
            Longest = m.Integer("longest"),
            MaxWidth = m.Integer("max_width"),
            KeepAspect = m.Flag("keep_aspect"),
            MultipleOf = m.Integer("multiple_of") ?? 1,
            Rounding = m.Choice("rounding", Roundings) ?? default,
            Filter = m.Choice("filter", Filters) ?? ResizeFilter.Bilinear,
            Antialias = m.Choice("antialias", Antialiasing) ?? true,
        },
        ["crop"] = m => new CropStep { Width = Required(m, "width"), Height = Required(m, "height"), X = m.Integer("x"), Y = m.Integer("y") },
        ["pad"] = m => new PadStep
        {
            Width = m.Integer("width"),
            Height = m.Integer("height"),
            MultipleOf = m.Integer("multiple_of") ?? 1,
            Value = m.Number("value") ?? 0,
            Align = m.Choice("align", Alignments) ?? Alignment.TopLeft,
        },
        ["turn"] = Turn,
        ["channels"] = m => new ChannelsStep(m.RequiredText("value", string.Join(", ", Orders.Keys)).Length > 0 ? m.Choice("value", Orders) ?? default : default),
        ["normalize"] = m => new NormalizeStep { Scale = m.Number("scale") ?? 1f / 255, Mean = m.Numbers("mean") ?? [0], Std = m.Numbers("std") ?? [1] },
        ["extra_channel"] = m => new ExtraChannelStep(m.Number("value") ?? 1),
    };

    public static List<PreprocessStep> Read(YamlMap map)
    {
        List<PreprocessStep> steps = [];
        foreach ((string name, YamlMap values) in map.Items("preprocess"))
        {
            if (!Steps.TryGetValue(name, out Func<YamlMap, PreprocessStep>? read))
            {
                values.Problem($"there is no step '{name}'; expected {string.Join(", ", Steps.Keys)}.{Nearest.Hint(name, Steps.Keys)}");
                continue;
            }
            steps.Add(read(values));
            foreach (string problem in steps[^1].Problems())
                values.Problem(problem);
            values.NoMoreKeys();
        }
        return steps;
    }

    public static TurnStep Turn(YamlMap map) => new() { Rotate = map.Integer("rotate") ?? 0, Mirror = map.Choice("mirror", Mirrors) ?? false };

    private static int Required(YamlMap map, string key)
    {
        if (!map.Has(key))
            map.RequiredText(key, "a number of pixels");
        return map.Integer(key) ?? 1;
    }
}
