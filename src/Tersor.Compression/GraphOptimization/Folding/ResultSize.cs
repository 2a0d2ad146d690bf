using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>How many elements a node would give out, before it is run: a few bytes can ask for gigabytes.</summary>
internal static class ResultSize
{
    /// <summary>An upper bound of the elements of all outputs; null when it cannot be told yet.</summary>
    /// <param name="node">The node.</param>
    /// <param name="lengths">Elements of an input, or a bound; null when unknown.</param>
    /// <param name="types">Inferred types; null where they may change from one run of the node to the next, as in the body of a Loop.</param>
    /// <param name="contents">What an input holds, where that is known; null: what constants hold.</param>
    public static double? Bound(Node node, Func<Value, double?> lengths, TypeFacts? types, Func<Value, Tensor?>? contents = null)
    {
        if (types is not null && node.Outputs.All(o => o is null || types.Fixed(o) is not null))
            return node.Outputs.Sum(o => o is null ? 0 : Product(types.Fixed(o)!));
        double?[] inputs = [.. node.Inputs.Select(i => i is null ? 0 : lengths(i))];
        switch (node.OpType)
        {
            case "ConstantOfShape" or "Expand" or "Tile" or "Range" or "EyeLike" or "OneHot" or "Pad" or "Resize" or "Upsample" or "AffineGrid" or "CenterCropPad" or "MelWeightMatrix" or "HannWindow" or "HammingWindow" or "BlackmanWindow":
                return Sized(node, inputs, i => node.Input(i) is { } input ? contents is null ? input.Constant : contents(input) : null);
            case "Shape" or "Size":
                return 64;
            case "Cast" or "Identity" or "Reshape" or "Squeeze" or "Unsqueeze" or "Flatten" or "Transpose" or "Slice" or "Neg" or "Sqrt" or "Not" or "Abs" or "Floor" or "Ceil" or "Exp" or "Log" or "DequantizeLinear" or "QuantizeLinear" or "Split" or "CastLike":
                return inputs.Length > 0 ? inputs[0] : null;
            case "SequenceEmpty" or "SequenceLength":
                return 1;
            case "SequenceAt" or "SequenceErase" or "SplitToSequence":
                return inputs[0];
            case "Concat" or "SequenceConstruct" or "SequenceInsert":
                return inputs.All(i => i is not null) ? inputs.Sum(i => i!.Value) : null;
            default:
                // Broadcasting, matrix products, gathering: no more than every element of one with every element of all others.
                return inputs.All(i => i is not null) ? inputs.Aggregate(1.0, (product, i) => product * Math.Max(1, i!.Value)) * node.Outputs.Count : null;
        }
    }

    private static double? Sized(Node node, double?[] inputs, Func<int, Tensor?> constant)
    {
        switch (node.OpType)
        {
            case "ConstantOfShape":
                return Integers(0) is { } shape ? Product(shape) : null;
            case "Expand":
                return Integers(1) is { } target && inputs[0] is { } length ? Product(target) * Math.Max(1, length) : null;
            case "Tile":
                return Integers(1) is { } repeats && inputs[0] is { } tiled ? Product(repeats) * tiled : null;
            case "Range":
                if (constant(0) is not { Length: 1 } start || constant(1) is not { Length: 1 } limit || constant(2) is not { Length: 1 } delta)
                    return null;
                return Math.Abs((limit.ToDoubles()[0] - start.ToDoubles()[0]) / delta.ToDoubles()[0]) + 1;
            case "OneHot":
                return constant(1) is { Length: 1 } depth && inputs[0] is { } indices ? Math.Abs(depth.ToDoubles()[0]) * indices : null;
            case "Pad":
                return (node.Ints("pads") ?? Integers(1)) is { } pads && constant(0) is { } padded && pads.Length == 2 * padded.Rank
                    ? Product([.. padded.Shape.Select((size, i) => Math.Max(0, size + pads[i] + pads[i + padded.Rank]))]) : null;
            default:
                return null;
        }

        long[]? Integers(int i) => constant(i) is { } tensor && tensor.Type.IsInteger() ? tensor.ToInt64s() : null;
    }

    private static double Product(long[] sizes) => sizes.Aggregate(1.0, (product, size) => product * Math.Max(0, size));
}
