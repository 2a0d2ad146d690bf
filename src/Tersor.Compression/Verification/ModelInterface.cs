using Tersor.Onnx;

namespace Tersor.Compression;

/// <summary>What a caller of a model sees and must find unchanged: inputs, outputs, metadata.</summary>
internal static class ModelInterface
{
    /// <summary>The first difference, in words; null when there is none.</summary>
    /// <param name="original">The model as it was.</param>
    /// <param name="changed">The model as it is.</param>
    /// <param name="shapesMayChange">Dimensions were fixed on request: shapes may differ, ranks and types may not.</param>
    public static string? Difference(Model original, Model changed, bool shapesMayChange = false)
    {
        return Compare("input", Inputs(original), Inputs(changed)) ?? Compare("output", original.Graph.Outputs, changed.Graph.Outputs)
            ?? (original.Metadata.SequenceEqual(changed.Metadata) ? null : "the metadata differ");

        string? Compare(string what, IReadOnlyList<Value> before, IReadOnlyList<Value> after)
        {
            if (!before.Select(v => v.Name).SequenceEqual(after.Select(v => v.Name)))
                return $"the {what}s were {string.Join(", ", before.Select(v => v.Name))} and are {string.Join(", ", after.Select(v => v.Name))}";
            return before.Zip(after).Where(p => !SameType(p.First.Type, p.Second.Type)).Select(p => $"{what} '{p.First.Name}' was {p.First.Type} and is {p.Second.Type}").FirstOrDefault();
        }

        bool SameType(OnnxType? a, OnnxType? b) => a is null || Equals(a, b)
            || (shapesMayChange && a.AsTensor is { } x && b?.AsTensor is { } y && x.ElementType == y.ElementType && (x.Shape is null || x.Shape?.Length == y.Shape?.Length));
    }

    /// <summary>What a caller can feed: overridable initializers too, where the format has them.</summary>
    private static List<Value> Inputs(Model model) => [.. model.Graph.Inputs.Where(v => !v.IsInitializer || v.IsOverridable)];
}
