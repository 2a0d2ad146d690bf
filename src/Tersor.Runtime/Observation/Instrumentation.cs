using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>A clone of a model that also gives out wanted values. The model's own outputs keep their names and order.</summary>
internal sealed class Instrumentation
{
    private readonly Dictionary<Value, Value> current;
    private readonly Dictionary<Value, string> problems = new(ReferenceEqualityComparer.Instance);

    /// <param name="model">Not modified.</param>
    /// <param name="wanted">Values of it.</param>
    /// <param name="sizesOnly">Give out each value's number of elements instead of the value.</param>
    public Instrumentation(Model model, IReadOnlyCollection<Value> wanted, bool sizesOnly)
    {
        Clone = model.Clone(out IReadOnlyDictionary<Value, Value> copies);
        current = new(copies, ReferenceEqualityComparer.Instance);
        IReadOnlyDictionary<Value, OnnxType>? inferred = wanted.Any(NeedsInference) ? InferredTypes.Of(model, wanted.Where(NeedsInference)) : null;
        BodyExport bodies = new(Moved);
        List<(Value Wanted, Value Output, ExportForm Form, int Stacked)> exports = [];
        // Bodies first: they add outputs to control-flow nodes, which may hand the values of the main graph on to others.
        foreach (Value value in wanted.OrderBy(v => v.Graph.IsMain))
        {
            if (!current.TryGetValue(value, out Value? copy))
                throw new ArgumentException($"'{value.Name}' is not a value of the model.", nameof(wanted));
            OnnxType? type = value.Type ?? inferred?.GetValueOrDefault(value);
            if (value.Graph.Function is { } function)
                problems[value] = $"it stands in the function '{function.Name}'; inline the function first";
            else if (type is not null and not OnnxType.Tensor)
                problems[value] = $"it is not a tensor but {type}";
            else if (type is null && MayBeNoTensor(value))
                problems[value] = "neither the file nor inference tells its type, and it may be a sequence";
            else if (value.Graph.IsMain && (value.Constant is not null || value.IsGraphInput))
                exports.Add((value, copy, ExportForm.Known, 0));
            else if (value.Graph.IsMain)
                exports.Add((value, sizesOnly ? Shape(copy) : value, ExportForm.Tensor, 0));
            else if (type is OnnxType.Tensor { ElementType: var element } && !HasKernels(element, sizesOnly))
                problems[value] = $"it holds {element}, and the engine has no kernels that bring such values out of a body";
            else if (bodies.Export(sizesOnly ? Size(copy) : copy, sizesOnly ? ElementType.Int64 : (type as OnnxType.Tensor)?.ElementType, out string reason) is { } export)
                exports.Add((value, export.Output, export.Form, export.Stacked));
            else
                problems[value] = reason;
        }
        foreach ((Value value, Value place, ExportForm form, int stacked) in exports)
        {
            Value output = current.GetValueOrDefault(place, place);
            if (form != ExportForm.Known && !Clone.Graph.Outputs.Contains(output))
                Clone.Graph.AddOutput(output);
            Exports.Add(new(value, output, form, stacked));
        }
    }

    /// <summary>The instrumented model.</summary>
    public Model Clone { get; }

    /// <summary>Where the wanted values come out.</summary>
    public List<Export> Exports { get; } = [];

    /// <summary>Wanted values that do not come out, with the reason.</summary>
    public IReadOnlyDictionary<Value, string> Problems => problems;

    /// <summary>Values of bodies need a declared element type there; outputs of control flow and sequence operators may not be tensors at all.</summary>
    private static bool NeedsInference(Value value) => value.Type is null && value.Graph.Function is null
        && (!value.Graph.IsMain || value.Producer is { } node && (!node.IsStandard || MayBeNoTensor(value)));

    /// <summary>Bodies need not declare types, and some operators give out sequences or optional values.</summary>
    private static bool MayBeNoTensor(Value value) => !value.Graph.IsMain || value.Producer is { } node && (node.Bodies.Any()
        || node.OpType.Contains("Sequence", StringComparison.Ordinal) || node.OpType.Contains("Optional", StringComparison.Ordinal) || node.Is("Identity"));

    /// <summary>The dimensions: a kernel for every type, unlike <see cref="Size"/>. In bodies, where shapes differ in rank from one round to the next, sizes are gathered instead.</summary>
    private static Value Shape(Value value) => value.Graph.AddNode("Shape", [value], [$"{value.Name}_shape"]).Outputs[0]!;

    /// <summary>Types that Size, or else the sequence operators, have kernels for in ONNX Runtime's CPU provider.</summary>
    private static bool HasKernels(ElementType type, bool sizesOnly) => type is ElementType.Float32 or ElementType.Float64 or ElementType.Int32 or ElementType.Int64 or ElementType.UInt8 or ElementType.Bool or ElementType.String
        || (!sizesOnly && type is ElementType.Float16 or ElementType.Int8 or ElementType.Int16 or ElementType.UInt16 or ElementType.UInt32 or ElementType.UInt64);

    private static Value Size(Value value) => value.Graph.AddNode("Size", [value], [$"{value.Name}_size"]).Outputs[0]!;

    private void Moved(Value from, Value to)
    {
        foreach (Value key in current.Where(pair => ReferenceEquals(pair.Value, from)).Select(pair => pair.Key).ToArray())
            current[key] = to;
    }
}
