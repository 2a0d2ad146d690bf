using System.Collections.Immutable;

namespace Tersor.Onnx;

/// <summary>The declared type of a value: a tensor, or one of ONNX's containers.</summary>
public abstract record OnnxType
{
    private OnnxType()
    {
    }

    /// <summary>The meaning the file gives the type (IMAGE, AUDIO ...), or null.</summary>
    public string? Denotation { get; init; }

    /// <summary>The tensor type, when this is one.</summary>
    public Tensor? AsTensor => this as Tensor;

    /// <summary>A dense tensor. A null <paramref name="Shape"/> means that not even the rank is known.</summary>
    public sealed record Tensor(ElementType ElementType, ImmutableArray<Dimension>? Shape) : OnnxType
    {
        /// <summary>The shape as sizes, when every dimension is fixed.</summary>
        public long[]? FixedShape => Shape is { } shape && shape.All(d => d.Size is not null) ? [.. shape.Select(d => d.Size!.Value)] : null;

        /// <inheritdoc/>
        public bool Equals(Tensor? other) => other is not null && ElementType == other.ElementType && Denotation == other.Denotation && SameShape(Shape, other.Shape);

        /// <inheritdoc/>
        public override int GetHashCode() => HashCode.Combine(ElementType, Shape?.Length);

        /// <inheritdoc/>
        public override string ToString() => $"{ElementType} {Describe(Shape)}";
    }

    /// <summary>A sparse tensor.</summary>
    public sealed record Sparse(ElementType ElementType, ImmutableArray<Dimension>? Shape) : OnnxType
    {
        /// <inheritdoc/>
        public bool Equals(Sparse? other) => other is not null && ElementType == other.ElementType && Denotation == other.Denotation && SameShape(Shape, other.Shape);

        /// <inheritdoc/>
        public override int GetHashCode() => HashCode.Combine(ElementType, Shape?.Length);

        /// <inheritdoc/>
        public override string ToString() => $"sparse {ElementType} {Describe(Shape)}";
    }

    /// <summary>A sequence of values of one type.</summary>
    public sealed record Sequence(OnnxType? Element) : OnnxType
    {
        /// <inheritdoc/>
        public override string ToString() => $"sequence({Element})";
    }

    /// <summary>A value that may be absent.</summary>
    public sealed record Optional(OnnxType? Element) : OnnxType
    {
        /// <inheritdoc/>
        public override string ToString() => $"optional({Element})";
    }

    /// <summary>A map from integers or strings.</summary>
    public sealed record Map(ElementType Key, OnnxType? Value) : OnnxType
    {
        /// <inheritdoc/>
        public override string ToString() => $"map({Key}, {Value})";
    }

    /// <summary>A type of somebody's own.</summary>
    public sealed record Opaque(string Domain, string Name) : OnnxType
    {
        /// <inheritdoc/>
        public override string ToString() => $"opaque({Domain}.{Name})";
    }

    /// <summary>A tensor type of fixed or symbolic dimensions.</summary>
    public static Tensor Of(ElementType elementType, params ImmutableArray<Dimension> shape) => new(elementType, shape);

    /// <summary>The type of a constant.</summary>
    public static Tensor Of(Onnx.Tensor tensor) => new(tensor.Type, [.. tensor.Shape.Select(size => (Dimension)size)]);

    private static bool SameShape(ImmutableArray<Dimension>? a, ImmutableArray<Dimension>? b) =>
        a is { } left && b is { } right ? left.AsSpan().SequenceEqual(right.AsSpan()) : a is null && b is null;

    private static string Describe(ImmutableArray<Dimension>? shape) => shape is { } known ? $"[{string.Join(',', known)}]" : "of unknown rank";
}
