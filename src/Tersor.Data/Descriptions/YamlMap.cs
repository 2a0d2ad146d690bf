using System.Globalization;
using Tersor.Data.Metrics;
using YamlDotNet.RepresentationModel;

namespace Tersor.Data.Descriptions;

/// <summary>A mapping in a YAML file whose keys are read one by one. Problems are collected, not thrown, so that all are reported at once.</summary>
/// <param name="document">The file it stands in.</param>
/// <param name="path">Where in the file, e.g. <c>splits.test</c>; empty at the top.</param>
/// <param name="node">The mapping.</param>
/// <param name="fallback">Gives the keys that are absent here, or null.</param>
/// <param name="bare">The file has <c>name: value</c> or <c>name</c> alone, which is read as the key <c>value</c>.</param>
internal sealed class YamlMap(YamlDocumentReader document, string path, YamlMappingNode node, YamlMap? fallback = null, bool bare = false)
{
    private readonly SortedSet<string> known = new(StringComparer.Ordinal);

    public IEnumerable<string> Keys => node.Children.Keys.OfType<YamlScalarNode>().Select(k => k.Value ?? "");

    public string Where => document.At(node);

    public bool Has(string key) => Find(key) is not null;

    public string? Text(string key) => Find(key) switch
    {
        null => null,
        YamlScalarNode scalar => scalar.Value,
        YamlNode other => Wrong<string>(other, key, "text"),
    };

    public string RequiredText(string key, string expected)
    {
        if (Text(key) is { Length: > 0 } text)
            return text;
        if (!Has(key))
            document.Problem(node, $"'{Name(key)}' {(bare ? "has no value" : "is missing")}; expected {expected}");
        return "";
    }

    public int? Integer(string key, int least = int.MinValue)
    {
        if (Find(key) is not { } value)
            return null;
        return value is YamlScalarNode scalar && int.TryParse(scalar.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) && number >= least
            ? number
            : Wrong<int?>(value, key, least == int.MinValue ? "a whole number" : $"a whole number, {least} or more");
    }

    public float? Number(string key) => Find(key) switch
    {
        null => null,
        YamlScalarNode scalar when Number(scalar) is { } number => number,
        YamlNode other => Wrong<float?>(other, key, "a number, e.g. 0.5 or 1/255"),
    };

    public bool Flag(string key) => Find(key) switch
    {
        null => false,
        YamlScalarNode { Value: "true" } => true,
        YamlScalarNode { Value: "false" } => false,
        YamlNode other => Wrong<bool>(other, key, "true or false"),
    };

    public T? Choice<T>(string key, IReadOnlyDictionary<string, T> choices) where T : struct => Find(key) switch
    {
        null => null,
        YamlScalarNode scalar when choices.TryGetValue(scalar.Value ?? "", out T choice) => choice,
        YamlScalarNode scalar => Wrong<T?>(scalar, key, $"{string.Join(", ", choices.Keys)}.{Nearest.Hint(scalar.Value ?? "", choices.Keys)}"),
        YamlNode other => Wrong<T?>(other, key, string.Join(", ", choices.Keys)),
    };

    /// <summary>A number, or a list of numbers.</summary>
    public float[]? Numbers(string key)
    {
        YamlNode? value = Find(key);
        IList<YamlNode> items = value is YamlSequenceNode sequence ? sequence.Children : value is null ? [] : [value];
        float?[] numbers = [.. items.Select(i => i is YamlScalarNode scalar ? Number(scalar) : null)];
        return value is null ? null : numbers.All(n => n is not null) ? [.. numbers.Select(n => n!.Value)] : Wrong<float[]>(value, key, "a number or a list of numbers");
    }

    /// <summary>A list of sizes.</summary>
    public long[]? Sizes(string key)
    {
        float[]? numbers = Numbers(key);
        return numbers is null || numbers.All(n => n >= 0 && n == MathF.Floor(n) && n <= 1 << 24)
            ? numbers is null ? null : [.. numbers.Select(n => (long)n)]
            : Wrong<long[]>(Find(key)!, key, "a list of sizes, e.g. [1, 3, 224, 224]");
    }

    public IReadOnlyDictionary<string, string> TextMap(string key)
    {
        YamlMap? map = Map(key);
        return map is null ? new Dictionary<string, string>() : map.Keys.ToDictionary(k => k, k => map.Text(k) ?? "");
    }

    public YamlMap? Map(string key) => Find(key) switch
    {
        null => null,
        YamlMappingNode mapping => new(document, Name(key), mapping, fallback?.Find(key) is YamlMappingNode ? fallback.Map(key) : null),
        YamlNode other => Wrong<YamlMap>(other, key, "keys with values below it"),
    };

    /// <summary>The maps below each key of a map.</summary>
    public IEnumerable<(string Key, YamlMap Value)> Maps(YamlMap? inherited)
    {
        foreach (string key in Keys)
        {
            switch (Find(key))
            {
                case YamlMappingNode mapping:
                    yield return (key, new(document, Name(key), mapping, inherited));
                    break;
                case { } other:
                    Wrong<YamlMap>(other, key, "keys with values below it");
                    break;
            }
        }
    }

    /// <summary>A list whose items are <c>name</c>, <c>name: value</c> or <c>name: {...}</c>; a bare value is handed over as the key <c>value</c>.</summary>
    public IEnumerable<(string Name, YamlMap Value)> Items(string key)
    {
        YamlNode? found = Find(key);
        if (found is not (null or YamlSequenceNode))
            Wrong<YamlMap>(found, key, "a list: lines that start with -");
        int index = 0;
        foreach (YamlNode item in found is YamlSequenceNode sequence ? sequence.Children : [])
        {
            string where = $"{Name(key)}[{index++}]";
            if (item is YamlScalarNode { Value: { } alone })
                yield return (alone, new(document, $"{where}.{alone}", Positioned(new YamlMappingNode(), item), bare: true));
            else if (item is YamlMappingNode { Children.Count: 1 } single && single.Children[0] is { Key: YamlScalarNode { Value: { } name } } pair)
                yield return (name, new(document, $"{where}.{name}", pair.Value as YamlMappingNode ?? Positioned(new YamlMappingNode("value", pair.Value), item), bare: pair.Value is not YamlMappingNode));
            else
                document.Problem(item, $"'{where}' is {Describe(item)}; expected one name, with or without values");
        }
    }

    /// <summary>The items of a list of mappings.</summary>
    public IEnumerable<YamlMap> List(string key)
    {
        YamlNode? found = Find(key);
        if (found is not (null or YamlSequenceNode))
            Wrong<YamlMap>(found, key, "a list: lines that start with -");
        int index = 0;
        foreach (YamlNode item in found is YamlSequenceNode sequence ? sequence.Children : [])
        {
            if (item is YamlMappingNode mapping)
                yield return new(document, $"{Name(key)}[{index++}]", mapping);
            else
                document.Problem(item, $"'{Name(key)}[{index++}]' is {Describe(item)}; expected keys with values");
        }
    }

    /// <summary>All values as text, for a metric.</summary>
    public MetricDescription Metric(string name) => new(name, Keys.ToDictionary(k => k, k => Text(k) ?? "")) { Where = Where };

    /// <summary>Keys that nobody asked for are mistakes.</summary>
    public void NoMoreKeys()
    {
        foreach ((YamlNode key, _) in node.Children)
        {
            if (key is not YamlScalarNode { Value: { } name })
                document.Problem(key, $"a key is {Describe(key)}; expected text");
            else if (!known.Contains(name))
                document.Problem(key, $"'{Name(name)}' is not known here; expected {string.Join(", ", known)}.{Nearest.Hint(name, known)}");
        }
    }

    public void Problem(string message) => document.Problem(node, $"'{path}': {message}");

    public T? Wrong<T>(string key, string expected) => Wrong<T>(Find(key) ?? node, key, expected);

    private YamlNode? Find(string key)
    {
        known.Add(key);
        YamlNode? inherited = fallback?.Find(key); // asked even when not needed: the key is then known there too
        return node.Children.TryGetValue(new YamlScalarNode(key), out YamlNode? value) ? value : inherited;
    }

    private T? Wrong<T>(YamlNode value, string key, string expected)
    {
        document.Problem(value, $"'{Name(key)}' is {Describe(value)}; expected {expected}");
        return default;
    }

    private string Name(string key) => path.Length == 0 ? key : bare && key == "value" ? path : $"{path}.{key}";

    private static float? Number(YamlScalarNode scalar)
    {
        string[] parts = (scalar.Value ?? "").Split('/');
        float[] numbers = [.. parts.Select(p => float.TryParse(p, NumberStyles.Float, CultureInfo.InvariantCulture, out float n) ? n : float.NaN)];
        return numbers switch
        {
            [float n] when float.IsFinite(n) => n,
            [float n, float d] when float.IsFinite(n / d) => n / d,
            _ => null,
        };
    }

    private static string Describe(YamlNode node) => node switch
    {
        YamlScalarNode scalar => $"'{scalar.Value}'",
        YamlSequenceNode sequence => $"a list of {sequence.Children.Count}",
        _ => "a map",
    };

    // A mapping that stands for a bare name has no place of its own.
    private YamlMappingNode Positioned(YamlMappingNode made, YamlNode place)
    {
        document.Stands(made, place);
        return made;
    }
}
