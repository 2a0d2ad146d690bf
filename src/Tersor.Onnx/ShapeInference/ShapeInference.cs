using Tersor.Onnx.Inference;

namespace Tersor.Onnx;

/// <summary>Types and shapes of all values of a model, without running it.</summary>
public static class ShapeInference
{
    /// <summary>Walks the model once, bodies and called functions included, and leaves it as it is.</summary>
    /// <remarks>Takes time in proportion to the number of nodes. What a broken or unknown node makes is unknown; a declared shape that contradicts what follows from the inputs is ignored.</remarks>
    /// <param name="model">The model.</param>
    /// <param name="dimensions">Sizes for symbolic dimensions, by symbol.</param>
    /// <param name="inputShapes">Shapes for graph inputs, by name, in place of the declared ones.</param>
    public static InferredTypes Infer(Model model, IReadOnlyDictionary<string, long>? dimensions = null, IReadOnlyDictionary<string, long[]>? inputShapes = null)
    {
        // Bodies of loops are walked until their shapes settle, and functions once a call: the budget keeps nesting from multiplying that.
        Walk walk = new(model, dimensions ?? new Dictionary<string, long>(), trustDeclared: inputShapes is null, new Budget(10_000 + 10L * model.AllGraphs().Sum(g => (long)g.NodeCount)));
        foreach (Value input in model.Graph.Inputs)
        {
            if (inputShapes?.GetValueOrDefault(input.Name) is { } shape)
                walk.Set(input, Fact.Tensor(input.Type?.AsTensor?.ElementType ?? ElementType.Undefined, [.. shape.Select(s => (Dimension)s)]));
            else if (!input.IsInitializer || input.IsOverridable)
                walk.Set(input, new(walk.Substitute(input.Type)));
        }
        walk.Run(model.Graph);
        return walk.Result;
    }
}
