using Tersor.Data.Descriptions;
using Tersor.Data.Preprocessing;
using Tersor.Onnx;

namespace Tersor.Data.Sources;

/// <summary>Samples from arrays whose first dimension counts them.</summary>
internal sealed class NumpyDataSet : IDataSet, IStratified
{
    private static readonly string[] LabelNames = ["label", "labels", "y"];

    private readonly Dictionary<string, (ArrayFile Array, ArrayInput Feed)> inputs = [];
    private readonly Dictionary<string, ArrayFile> labels = [];

    /// <param name="name">Name of the data set.</param>
    /// <param name="source">What is declared; paths are full.</param>
    /// <param name="defaultInput">The input that a single array is fed to, or null when it is unknown.</param>
    /// <param name="modelInputs">Names of the model's inputs, or null when the model is unknown.</param>
    /// <param name="preprocessor">For arrays of 8-bit images.</param>
    /// <param name="hasSteps">Whether any preprocessing is declared.</param>
    public NumpyDataSet(string name, NumpySource source, Func<string> defaultInput, IReadOnlyList<string>? modelInputs, Preprocessor preprocessor, bool hasSteps)
    {
        Name = name;
        OrderedDictionary<string, ArrayFile> arrays = source.File.EndsWith(".npz", StringComparison.OrdinalIgnoreCase)
            ? NpzFile.Open(source.File)
            : new() { [defaultInput()] = NpyFile.Open(source.File) };
        foreach ((string input, string array) in Inputs(source, arrays, modelInputs, defaultInput))
            inputs[input] = (arrays[array], new(input, $"{source.File}/{array}", preprocessor, hasSteps && arrays[array].Type == ElementType.UInt8));
        foreach ((string label, string array) in Labels(source, arrays))
            labels[label] = arrays[array];
        if (source.LabelsFile is { } file)
            labels["label"] = NpyFile.Open(file);
        Count = inputs.First().Value.Array.Count;
        foreach ((string array, int count) in inputs.Select(i => (i.Key, i.Value.Array.Count)).Concat(labels.Select(l => (l.Key, l.Value.Count))))
        {
            if (count != Count)
                throw new DataException($"'{source.File}': '{array}' has {Plural.Of(count, "record")} and '{inputs.First().Key}' has {Count}; expected as many in each.");
        }
    }

    public string Name { get; }

    public int Count { get; }

    public IReadOnlyDictionary<string, string> Feedback { get; } = new Dictionary<string, string>();

    public Sample Read(int index)
    {
        Dictionary<string, Tensor> step = inputs.Values.SelectMany(i => i.Feed.Step(i.Array.Record(index), index)).ToDictionary();
        return new($"#{index}", [step], labels.ToDictionary(l => l.Key, l => l.Value.Record(index)));
    }

    public string? Stratum(int index) => labels.TryGetValue("label", out ArrayFile? label) && label.Shape.Length == 1 ? label.Record(index).ToDoubles()[0].ToString("R") : null;

    private static Dictionary<string, string> Inputs(NumpySource source, OrderedDictionary<string, ArrayFile> arrays, IReadOnlyList<string>? modelInputs, Func<string> defaultInput)
    {
        if (source.Inputs.Count > 0)
            return Known(source.Inputs, "inputs", source, arrays);
        Dictionary<string, string> matching = arrays.Keys.Where(a => modelInputs?.Contains(a) ?? !LabelNames.Contains(a)).ToDictionary(a => a);
        if (matching.Count > 0)
            return matching;
        // One array that is no label can only be the input.
        string[] others = [.. arrays.Keys.Where(a => !LabelNames.Contains(a))];
        return others.Length == 1
            ? new() { [defaultInput()] = others[0] }
            : throw new DataException($"'{source.File}' holds {string.Join(", ", arrays.Keys)}, none named as a model input ({string.Join(", ", modelInputs ?? [])}). Say which is which with 'inputs'.");
    }

    private Dictionary<string, string> Labels(NumpySource source, OrderedDictionary<string, ArrayFile> arrays)
    {
        if (source.Labels.Count > 0)
            return Known(source.Labels, "labels", source, arrays);
        Dictionary<string, string> rest = [];
        foreach ((string name, ArrayFile array) in arrays)
        {
            if (!inputs.Values.Any(i => ReferenceEquals(i.Array, array)))
                rest[LabelNames.Contains(name) ? "label" : name] = name;
        }
        return rest;
    }

    private static Dictionary<string, string> Known(IReadOnlyDictionary<string, string> map, string key, NumpySource source, OrderedDictionary<string, ArrayFile> arrays)
    {
        foreach (string array in map.Values)
        {
            if (!arrays.ContainsKey(array))
                throw new DataException($"'{key}' names the array '{array}', but '{source.File}' holds {string.Join(", ", arrays.Keys)}.{Nearest.Hint(array, arrays.Keys)}");
        }
        return map.ToDictionary();
    }
}
