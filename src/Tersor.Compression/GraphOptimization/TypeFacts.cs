using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>What rules may know: the types the pass was given.</summary>
internal sealed class TypeFacts(PassContext context)
{
    public ElementType? Element(Value? value) => value is null ? null : (context.TypeOf(value)?.AsTensor ?? value.Type?.AsTensor)?.ElementType;

    /// <summary>The dimensions, or null when not even the rank is known.</summary>
    public Dimension[]? Shape(Value? value) => value is null ? null : (context.TypeOf(value)?.AsTensor ?? value.Type?.AsTensor)?.Shape is { } shape ? [.. shape] : null;

    public int? Rank(Value? value) => Shape(value)?.Length;

    public long[]? Fixed(Value? value) => Shape(value) is { } shape && shape.All(d => d.Size is not null) ? [.. shape.Select(d => d.Size!.Value)] : null;

    /// <summary>The sizes of the dimensions from <paramref name="axis"/> on, or null when one is not known.</summary>
    public long[]? Fixed(Value? value, int axis) => Shape(value) is { } shape && shape.Skip(axis).All(d => d.Size is not null) ? [.. shape.Skip(axis).Select(d => d.Size!.Value)] : null;

    /// <summary>True when both have the same shape for certain: equal sizes, or one named dimension.</summary>
    public bool SameShape(Value a, Value b) => Shape(a) is { } x && Shape(b) is { } y && x.Length == y.Length && x.Zip(y).All(p => Same(p.First, p.Second));

    /// <summary>True when a scale or shift might add dimensions to its input, or turn one channel into <paramref name="channels"/>.</summary>
    public bool Widens(AffineNode affine, long channels)
    {
        if (affine.Scale.ByChannel)
            return false;
        int dimensions = Math.Max(affine.Scale.Shape.Length, affine.Shift.Shape.Length);
        if (dimensions > (Rank(affine.Input) ?? Math.Max(1, Producer(affine.Input)?.Rank ?? 0)))
            return true;
        if (affine.Scale.Values.Length == 1 && affine.Shift.Values.Length == 1)
            return false;
        // The channel dimension is the one the widest constant varies along.
        Coefficients wide = affine.Scale.Values.Length >= affine.Shift.Values.Length ? affine.Scale : affine.Shift;
        int fromEnd = wide.Shape.Length - wide.Shape.IndexOf(wide.Values.Length);
        if (Shape(affine.Input) is { } shape && shape.Length >= fromEnd && shape[^fromEnd].Size is { } size)
            return size != channels;
        return Producer(affine.Input) is not { } layer || layer.Outputs != channels;

        // Without types: a layer before it, perhaps with an activation in between, says how many channels it makes.
        static LinearLayer? Producer(Value value)
        {
            while (value.Producer is { } node && node.Is("Relu", "Clip", "LeakyRelu", "Sigmoid", "HardSigmoid", "HardSwish") && node.Input(0) is { } input)
                value = input;
            return value.Producer is { } producer ? LinearLayer.Of(producer, out _) : null;
        }
    }

    /// <summary>True when both have the same size for certain.</summary>
    public static bool Same(Dimension a, Dimension b) => a.Size is { } size ? size == b.Size : a.Symbol is { Length: > 0 } symbol && b.Size is null && symbol == b.Symbol;
}
