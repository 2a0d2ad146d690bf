using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Which sizes <see cref="FixDimensionsPass"/> gives. Immutable; change it with <c>with</c>.</summary>
public sealed record FixDimensionsOptions
{
    /// <summary>Sizes of named dimensions: <c>batch</c> → 1. Default: none.</summary>
    public IReadOnlyDictionary<string, long> Dimensions { get; init; } = new Dictionary<string, long>();

    /// <summary>Whole shapes of inputs, by input name: <c>x</c> → [1, 3, 48, 320]. Default: none.</summary>
    public IReadOnlyDictionary<string, long[]> Shapes { get; init; } = new Dictionary<string, long[]>();

    /// <summary>True when nothing is asked for.</summary>
    public bool IsEmpty => Dimensions.Count == 0 && Shapes.Count == 0;

    /// <summary>Every broken rule, in words; empty when the options fit the model.</summary>
    public IEnumerable<string> Problems(Model model)
    {
        Value[] inputs = [.. model.Graph.Inputs.Where(v => !v.IsInitializer)];
        string[] names = [.. inputs.SelectMany(v => v.Type?.AsTensor?.Shape ?? []).Select(d => d.Symbol).OfType<string>().Distinct()];
        foreach ((string name, long size) in Dimensions)
        {
            if (size < 0)
                yield return $"Dimension '{name}' is to be {size}; expected 0 or more.";
            if (!names.Contains(name))
                yield return $"No input has a dimension named '{name}'; there are {(names.Length == 0 ? "none" : string.Join(", ", names.Select(n => $"'{n}'")))}.";
        }
        foreach ((string name, long[] shape) in Shapes)
        {
            if (inputs.FirstOrDefault(v => v.Name == name) is not { } input)
            {
                yield return $"There is no input '{name}'; there are {string.Join(", ", inputs.Select(v => $"'{v.Name}'"))}.";
                continue;
            }
            if (shape.Any(size => size < 0))
                yield return $"The shape for input '{name}' has a negative dimension: [{string.Join(',', shape)}].";
            if (input.Type?.AsTensor is not { } type)
                yield return $"Input '{name}' is no tensor ({input.Type}).";
            else if (type.Shape is { } declared && (declared.Length != shape.Length || declared.Where((d, i) => d.Size is { } size && size != shape[i]).Any()))
                yield return $"Input '{name}' is declared {type}; [{string.Join(',', shape)}] does not fit.";
        }
        foreach ((string name, long[] sizes) in Bindings(model).Where(b => b.Value.Length > 1))
            yield return $"Dimension '{name}' would have several sizes: {string.Join(", ", sizes)}.";
    }

    /// <summary>The sizes every named dimension is given, by name or by an input's shape.</summary>
    internal Dictionary<string, long[]> Bindings(Model model)
    {
        List<(string Name, long Size)> pairs = [.. Dimensions.Select(d => (d.Key, d.Value))];
        foreach ((string name, long[] shape) in Shapes)
        {
            if (model.Graph.Inputs.FirstOrDefault(v => v.Name == name)?.Type?.AsTensor?.Shape is { } declared && declared.Length == shape.Length)
                pairs.AddRange(declared.Select((d, i) => (d.Symbol, shape[i])).Where(p => p.Symbol is not null).Select(p => (p.Symbol!, p.Item2)));
        }
        return pairs.GroupBy(p => p.Name).ToDictionary(g => g.Key, g => g.Select(p => p.Size).Distinct().ToArray());
    }
}
