using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>What is added to the scores of attention, [B or 1, heads or 1, S, T] for the engine: dimensions it lacks are put before, and lengths of 1 repeated.</summary>
internal sealed record AttentionBias(Value Value, int Rank, long Rows, long Columns)
{
    /// <summary>A bias of scores [B, heads, S, T]; null when it is not known to fit.</summary>
    public static AttentionBias? Of(Value value, Dimension[] scores, TypeFacts types)
    {
        Dimension[]? shape = value.Constant is { } constant ? [.. constant.Shape.Select(d => (Dimension)d)] : types.Shape(value);
        if (shape is not { Length: <= 4 } || (value.Constant?.Type ?? types.Element(value)) != ElementType.Float32)
            return null;
        Dimension[] whole = [.. Enumerable.Repeat((Dimension)1, 4 - shape.Length), .. shape];
        if ((whole[0].Size != 1 && !TypeFacts.Same(whole[0], scores[0])) || (whole[1].Size != 1 && !TypeFacts.Same(whole[1], scores[1])))
            return null;
        return Repeats(whole[2], scores[2]) is { } rows && Repeats(whole[3], scores[3]) is { } columns ? new(value, shape.Length, rows, columns) : null;
    }

    /// <summary>Writes the bias with all four dimensions before a node.</summary>
    public Value Emit(Node before)
    {
        Value value = Value;
        string name = Value.Name;
        if (Rank < 4)
        {
            long[] axes = [.. Enumerable.Range(0, 4 - Rank).Select(i => (long)i)];
            value = before.OpsetVersion >= 13
                ? before.Graph.InsertBefore(before, "Unsqueeze", [value, Constants.Add(before, $"{name}/axes", Tensor.Vector(axes))], [$"{name}/whole"]).Outputs[0]!
                : before.Graph.InsertBefore(before, "Unsqueeze", [value], [$"{name}/whole"], [new("axes", axes)]).Outputs[0]!;
        }
        return (Rows, Columns) == (1, 1) ? value
            : before.Graph.InsertBefore(before, "Expand", [value, Constants.Add(before, $"{name}/shape", Tensor.Vector(1, 1, Rows, Columns))], [$"{name}/expanded"]).Outputs[0]!;
    }

    /// <summary>How often the one element of a dimension must be repeated; 1 where the dimension is as long as it should be, null where it fits not.</summary>
    private static long? Repeats(Dimension own, Dimension wanted) => TypeFacts.Same(own, wanted) ? 1 : own.Size == 1 ? wanted.Size : null;
}
