namespace Tersor.Onnx.Inference;

/// <summary>What is known of one value: its type, and the elements where it is a small integer tensor (a dimension each: a size, a symbol, unknown).</summary>
internal readonly record struct Fact(OnnxType? Type, Dimension[]? Content = null)
{
    public ElementType Element => Type?.AsTensor?.ElementType ?? ElementType.Undefined;

    public Dimension[]? Shape => Type?.AsTensor?.Shape is { } shape ? [.. shape] : null;

    /// <summary>A tensor; nothing when neither element type nor shape is known. A negative size, which only a broken node makes, is unknown.</summary>
    public static Fact Tensor(ElementType element, Dimension[]? shape, Dimension[]? content = null) =>
        element == ElementType.Undefined && shape is null ? default : new(new OnnxType.Tensor(element, shape is null ? null : [.. shape.Select(d => d.Size < 0 ? default : d)]), content);
}
