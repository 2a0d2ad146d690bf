using Tersor.Data;
using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>Bytes each value takes in the first step of a sample: measured by a run that gives out sizes instead of values.</summary>
internal static class ObservedSizes
{
    public static IReadOnlyDictionary<Value, long> Of(Model model, IReadOnlyCollection<Value> values, Sample sample, SessionSettings settings)
    {
        Instrumentation instrumented = new(model, values, sizesOnly: true);
        Dictionary<Value, long> bytes = new(ReferenceEqualityComparer.Instance);
        if (instrumented.Exports.All(e => e.Form == ExportForm.Known))
            return bytes;
        // Run once: rewriting the graph would cost more than it gains.
        using ModelSession session = new(instrumented.Clone, settings with { Optimization = EngineOptimization.None });
        ILookup<string, Export> byName = instrumented.Exports.Where(e => e.Form != ExportForm.Known).ToLookup(e => e.Output.Name);
        session.RunEngine(name => sample.Steps[0].TryGetValue(name, out Tensor? tensor) ? OrtTensors.ToOrt(tensor) : null, [.. byName.Select(g => g.Key)], (name, value) =>
        {
            foreach (Export export in byName[name])
            {
                int bits = export.Wanted.Type?.AsTensor?.ElementType.Bits() ?? 32;
                RuntimeValue sizes = OrtValues.FromOrt(value);
                long elements = export.Wanted.Graph.IsMain && sizes is RuntimeValue.Dense dense ? Tensor.ElementCount(dense.Tensor.ToInt64s()) : Sum(sizes);
                bytes[export.Wanted] = elements * bits / 8;
            }
        });
        return bytes;
    }

    private static long Sum(RuntimeValue value) => value switch
    {
        RuntimeValue.Dense dense => dense.Tensor.ToInt64s().Sum(),
        RuntimeValue.Sequence sequence => sequence.Elements.Sum(Sum),
        _ => 0,
    };
}
