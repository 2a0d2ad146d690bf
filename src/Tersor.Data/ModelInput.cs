using System.Collections.Immutable;
using Tersor.Onnx;

namespace Tersor.Data;

/// <summary>An input that a model must be fed: what random data and defaults are made for.</summary>
/// <param name="Name">Its name in the model.</param>
/// <param name="Type">Its element type.</param>
/// <param name="Shape">Its declared shape, or null when not even the rank is known.</param>
public sealed record ModelInput(string Name, ElementType Type, ImmutableArray<Dimension>? Shape)
{
    /// <summary>The tensor inputs of a model that have no default.</summary>
    public static IReadOnlyList<ModelInput> Of(Model model) =>
    [
        .. model.Graph.Inputs.Where(v => !v.IsInitializer && v.Type is OnnxType.Tensor)
            .Select(v => new ModelInput(v.Name, v.Type!.AsTensor!.ElementType, v.Type.AsTensor.Shape)),
    ];
}
