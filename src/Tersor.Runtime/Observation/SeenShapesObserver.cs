using System.Collections.Immutable;
using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>What was seen of a value's type.</summary>
/// <param name="ElementType">What its elements are.</param>
/// <param name="Shapes">The different shapes, in the order of their first appearance; at most <see cref="SeenShapesObserver.MaxShapes"/>.</param>
/// <param name="Tensors">How many tensors were seen.</param>
public sealed record SeenShapes(ElementType ElementType, ImmutableArray<ImmutableArray<long>> Shapes, long Tensors);

/// <summary>Element type and shapes of each value.</summary>
/// <param name="values">Values to observe.</param>
public sealed class SeenShapesObserver(IEnumerable<Value> values) : ValueObserver
{
    /// <summary>Different shapes kept for one value; further ones are only counted.</summary>
    public const int MaxShapes = 64;

    private readonly Dictionary<Value, SeenShapes> seen = [];

    /// <inheritdoc/>
    public override IReadOnlyCollection<Value> Values { get; } = [.. values.Distinct()];

    /// <summary>What was seen so far, for the values that came.</summary>
    public IReadOnlyDictionary<Value, SeenShapes> Seen => seen;

    /// <inheritdoc/>
    public override void Collect(Value value, ObservedTensor tensor)
    {
        SeenShapes known = seen.GetValueOrDefault(value) ?? new(tensor.Type, [], 0);
        bool isNew = true;
        foreach (ImmutableArray<long> shape in known.Shapes)
            isNew &= !tensor.Shape.SequenceEqual(shape.AsSpan());
        seen[value] = known with
        {
            Tensors = known.Tensors + 1,
            Shapes = isNew && known.Shapes.Length < MaxShapes ? known.Shapes.Add([.. tensor.Shape]) : known.Shapes,
        };
    }
}
