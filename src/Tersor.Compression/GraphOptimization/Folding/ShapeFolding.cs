using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>What follows from shapes that are known without running anything: Shape and Size of a value, and a Gather or Slice of dimensions that are fixed although others are not.</summary>
internal static class ShapeFolding
{
    /// <summary>The node's result, or null when it depends on what is not known.</summary>
    public static Tensor? Result(Node node, TypeFacts types)
    {
        if (!node.IsStandard)
            return null;
        switch (node.OpType)
        {
            case "Shape":
                return Dimensions(node, types) is { } all && all.All(d => d is not null) ? Tensor.Vector<long>([.. all.Select(d => d!.Value)]) : null;
            case "Size":
                return types.Fixed(node.Input(0)) is { } sizes && Tensor.TryElementCount(sizes, out long count) ? Tensor.Scalar(count) : null;
            case "Gather" when node.Int("axis", 0) is 0 or -1 && Source(node, types) is { } from && node.Input(1)?.Constant is { } indices && indices.Type.IsInteger():
                long[] picked = indices.ToInt64s();
                if (picked.Any(i => i >= from.Length || i < -from.Length) || picked.Any(i => from[i < 0 ? i + from.Length : i] is null))
                    return null;
                return Tensor.Create<long>([.. indices.Shape], [.. picked.Select(i => from[i < 0 ? i + from.Length : i]!.Value)]);
            case "Slice" when Source(node, types) is { } from:
                return Slice(node, from);
            default:
                return null;
        }
    }

    /// <summary>The integers a value always holds, by the static inference, which follows them through arithmetic.</summary>
    public static Tensor? Known(Value value, InferredTypes inferred)
    {
        if (inferred.IntegersOf(value) is not { } integers || inferred.TensorTypeOf(value) is not { FixedShape: { } shape } type || !Tensor.TryElementCount(shape, out long count) || count != integers.Length)
            return null;
        return type.ElementType switch
        {
            ElementType.Int64 => Tensor.Create(shape, integers),
            ElementType.Int32 => Tensor.Create(shape, Array.ConvertAll(integers, v => (int)v)),
            ElementType.Bool => Tensor.Create(shape, Array.ConvertAll(integers, v => v != 0)),
            _ => null,
        };
    }

    private static Tensor? Slice(Node node, long?[] from)
    {
        bool attributes = node.OpsetVersion < 10;
        long[]? starts = attributes ? node.Ints("starts") : Constants.Integers(node.Input(1)), ends = attributes ? node.Ints("ends") : Constants.Integers(node.Input(2));
        long[]? steps = attributes || node.Input(4) is null ? [1] : Constants.Integers(node.Input(4));
        if (starts is not [long start] || ends is not [long end] || steps is not [1])
            return null;
        start = Math.Clamp(start < 0 ? start + from.Length : start, 0, from.Length);
        end = Math.Clamp(end < 0 ? end + from.Length : end, start, from.Length);
        long?[] part = from[(int)start..(int)end];
        return part.All(d => d is not null) ? Tensor.Vector<long>([.. part.Select(d => d!.Value)]) : null;
    }

    /// <summary>The dimensions a Shape node behind the first input gives out, null where one is not fixed.</summary>
    private static long?[]? Source(Node node, TypeFacts types)
    {
        Node? shape = node.Input(0)?.Producer;
        return shape is not null && shape.Is("Shape") ? Dimensions(shape, types) : null;
    }

    private static long?[]? Dimensions(Node shape, TypeFacts types)
    {
        if (types.Shape(shape.Input(0)) is not { } dimensions)
            return null;
        long start = shape.Int("start", 0), end = shape.Int("end", dimensions.Length);
        start = Math.Clamp(start < 0 ? start + dimensions.Length : start, 0, dimensions.Length);
        end = Math.Clamp(end < 0 ? end + dimensions.Length : end, start, dimensions.Length);
        return [.. dimensions[(int)start..(int)end].Select(d => d.Size)];
    }
}
