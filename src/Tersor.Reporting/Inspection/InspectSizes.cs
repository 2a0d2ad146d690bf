using Tersor.Onnx;

namespace Tersor.Reporting.Inspection;

/// <summary>Sizes for what a model leaves open, so that its shapes and multiply-accumulates can be told.</summary>
public sealed record InspectSizes
{
    /// <summary>Sizes of named dimensions: <c>batch</c> → 1. Default: none.</summary>
    public IReadOnlyDictionary<string, long> Dimensions { get; init; } = new Dictionary<string, long>();

    /// <summary>Whole shapes of inputs, by name. Default: none.</summary>
    public IReadOnlyDictionary<string, long[]> Shapes { get; init; } = new Dictionary<string, long[]>();

    /// <summary>These sizes, and 1 for every named first dimension of an input that has none: multiply-accumulates are those of one sample then.</summary>
    internal InspectSizes WithBatchOfOne(Model model, out string[] assumed)
    {
        assumed = [.. Open(model, firstOnly: true).Where(name => !Dimensions.ContainsKey(name))];
        Dictionary<string, long> sizes = new(Dimensions);
        foreach (string name in assumed)
            sizes[name] = 1;
        return this with { Dimensions = sizes };
    }

    /// <summary>Named dimensions of the inputs whose size nobody said.</summary>
    internal IEnumerable<string> Missing(Model model) => Open(model, firstOnly: false).Where(name => !Dimensions.ContainsKey(name));

    /// <summary>What is wrong with the sizes for this model, in words.</summary>
    public IEnumerable<string> Problems(Model model)
    {
        string[] dimensions = [.. model.Graph.Inputs.SelectMany(v => v.Type?.AsTensor?.Shape ?? []).Select(d => d.Symbol).OfType<string>().Distinct()];
        foreach (string name in Dimensions.Keys.Where(n => !dimensions.Contains(n)))
            yield return $"No input has a dimension named '{name}'; there are {(dimensions.Length == 0 ? "none" : string.Join(", ", dimensions.Select(n => $"'{n}'")))}.";
        foreach (string name in Shapes.Keys.Where(n => model.Graph.Inputs.All(v => v.Name != n)))
            yield return $"There is no input '{name}'; there are {string.Join(", ", model.Graph.Inputs.Where(v => !v.IsInitializer).Select(v => $"'{v.Name}'"))}.";
        foreach (Value input in model.Graph.Inputs.Where(v => Shapes.ContainsKey(v.Name)))
        {
            long[] shape = Shapes[input.Name];
            if (input.Type?.AsTensor?.Shape is { } declared && (declared.Length != shape.Length || declared.Where((d, i) => d.Size is { } size && size != shape[i]).Any()))
                yield return $"Input '{input.Name}' is declared {input.Type}; [{string.Join(',', shape)}] does not fit.";
        }
    }

    private IEnumerable<string> Open(Model model, bool firstOnly) => model.Graph.Inputs
        .Where(v => !v.IsInitializer && !Shapes.ContainsKey(v.Name) && v.Type?.AsTensor?.Shape is not null)
        .SelectMany(v => v.Type!.AsTensor!.Shape!.Value.Take(firstOnly ? 1 : int.MaxValue)).Select(d => d.Symbol).OfType<string>().Distinct();
}
