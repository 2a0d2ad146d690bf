using Tersor.Onnx.Inference;

namespace Tersor.Onnx;

/// <summary>What is known of a model's values without running it. Nothing here is a guess; what is absent is unknown.</summary>
public sealed class InferredTypes
{
    private readonly Dictionary<Value, Fact> facts;
    private readonly Dictionary<Node, InferredTypes> calls;

    internal InferredTypes(Dictionary<Value, Fact> facts, Dictionary<Node, InferredTypes> calls) => (this.facts, this.calls) = (facts, calls);

    /// <summary>The type of a value of the main graph or a nested body, or null. Dimensions are sizes, symbols shared by equal dimensions, or unknown; a null shape is an unknown rank.</summary>
    public OnnxType? TypeOf(Value value) => facts.TryGetValue(value, out Fact fact) ? fact.Type : null;

    /// <summary>The tensor type of a value, or null when it is unknown or no tensor.</summary>
    public OnnxType.Tensor? TensorTypeOf(Value value) => TypeOf(value)?.AsTensor;

    /// <summary>The shape where every dimension is fixed, or null.</summary>
    public long[]? FixedShapeOf(Value value) => TensorTypeOf(value)?.FixedShape;

    /// <summary>The elements of a small integer or bool tensor that come out the same in every run, constants included, or null.</summary>
    public long[]? IntegersOf(Value value) => facts.TryGetValue(value, out Fact fact) && fact.Content is { } content && content.All(d => d.Size is not null) ? [.. content.Select(d => d.Size!.Value)] : null;

    /// <summary>What is known inside the model-local function that <paramref name="call"/> calls, for this call; null when the node calls none or the walk was given up.</summary>
    public InferredTypes? Inside(Node call) => calls.GetValueOrDefault(call);
}
