using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>When operators that only move or reshape data do nothing.</summary>
internal static class ShapeRules
{
    public static NoOp Reshape(Node node, TypeFacts types)
    {
        Value input = node.Input(0)!;
        long[]? target = Constants.Integers(node, "shape", 1);
        bool zeroCopies = node.Int("allowzero", 0) == 0;
        if (target is not null && types.Shape(input) is { } shape && shape.Length == target.Length)
        {
            // At most one dimension may be left to be computed: with all others equal it is equal too.
            int open = target.Where((size, i) => !(size == 0 && zeroCopies) && (size < 0 || shape[i].Size != size)).Count();
            int free = target.Count(size => size == -1);
            if (open == 0 || (open == 1 && free == 1 && shape.Where((d, i) => target[i] != -1).All(d => d.Size != 0)))
                return new NoOp.SameAs(input);
        }
        if (types.SameShape(input, node.Outputs[0]!))
            return new NoOp.SameAs(input);
        if (target is not null && (!zeroCopies || !target.Contains(0)) && Inner(input, "Reshape", "Flatten", "Squeeze", "Unsqueeze") is { } inner)
            return new NoOp.Shortcut(inner.Input(0)!, $"reads what {inner} read");
        return new NoOp.Needed("shapes differ, or are not known to be equal");
    }

    public static NoOp SameShapeOnly(Node node, TypeFacts types) => types.SameShape(node.Input(0)!, node.Outputs[0]!)
        ? new NoOp.SameAs(node.Input(0)!) : new NoOp.Needed("shapes differ, or are not known to be equal");

    public static NoOp Flatten(Node node, TypeFacts types) => node.Int("axis", 1) is 1 or -1 && types.Rank(node.Input(0)) == 2
        ? new NoOp.SameAs(node.Input(0)!) : SameShapeOnly(node, types);

    public static NoOp Transpose(Node node, TypeFacts types)
    {
        Value input = node.Input(0)!;
        if (Permutation(node, types) is not { } outer)
            return new NoOp.Needed("the rank, and so the permutation, is not known");
        if (IsIdentity(outer))
            return new NoOp.SameAs(input);
        if (Inner(input, "Transpose", keepOthers: true) is { } inner && Permutation(inner, types) is { } before && before.Length == outer.Length)
        {
            long[] merged = [.. outer.Select(axis => before[axis])];
            return IsIdentity(merged) ? new NoOp.SameAs(inner.Input(0)!)
                : Rewire.HasOneReader(input) ? new NoOp.Shortcut(inner.Input(0)!, $"merged with {inner}", n => n.SetAttribute("perm", merged))
                : new NoOp.Needed($"could be merged with {inner}, which has other readers");
        }
        return new NoOp.Needed("moves data");
    }

    public static NoOp Slice(Node node, TypeFacts types)
    {
        Value input = node.Input(0)!;
        bool attributes = node.OpsetVersion < 10;
        long[]? starts = attributes ? node.Ints("starts") : Constants.Integers(node.Input(1));
        long[]? ends = attributes ? node.Ints("ends") : Constants.Integers(node.Input(2));
        long[]? axes = attributes ? node.Ints("axes") : node.Input(3) is null ? null : Constants.Integers(node.Input(3)) ?? [];
        long[]? steps = attributes || node.Input(4) is null ? null : Constants.Integers(node.Input(4)) ?? [];
        if (starts is null || ends is null || axes is { Length: 0 } || steps is { Length: 0 } || starts.Length != ends.Length)
            return types.SameShape(input, node.Outputs[0]!) && steps is null ? new NoOp.SameAs(input) : new NoOp.Needed("its ranges are not constant");
        Dimension[]? shape = types.Shape(input);
        for (int i = 0; i < starts.Length; i++)
        {
            long axis = axes?[i] ?? i;
            axis += axis < 0 && shape is not null ? shape.Length : 0;
            if (shape is not null && (axis < 0 || axis >= shape.Length))
                return new NoOp.Needed(BrokenRules.Reason);
            long? size = shape?[axis].Size;
            bool whole = (starts[i] == 0 || starts[i] == -size) && (ends[i] >= int.MaxValue || ends[i] >= size) && (steps is null || steps[i] == 1);
            if (!whole)
                return new NoOp.Needed("takes a part, or its input's size is not known");
        }
        return new NoOp.SameAs(input);
    }

    public static NoOp Pad(Node node, TypeFacts types)
    {
        long[]? pads = node.Ints("pads") ?? node.Ints("paddings") ?? Constants.Integers(node.Input(1));
        return pads is null ? new NoOp.Needed("its padding is not constant") : pads.All(p => p == 0) ? new NoOp.SameAs(node.Input(0)!) : new NoOp.Needed("pads");
    }

    public static NoOp Expand(Node node, TypeFacts types)
    {
        Value input = node.Input(0)!;
        if (Constants.Integers(node.Input(1)) is { } target && types.Shape(input) is { } shape && target.Length <= shape.Length
            && target.Select((size, i) => size == 1 || size == shape[i + shape.Length - target.Length].Size).All(same => same))
        {
            return new NoOp.SameAs(input);
        }
        return SameShapeOnly(node, types);
    }

    public static NoOp Tile(Node node, TypeFacts types) => node.OpsetVersion >= 6 && Constants.Integers(node.Input(1)) is { } repeats && repeats.All(r => r == 1)
        ? new NoOp.SameAs(node.Input(0)!) : new NoOp.Needed("repeats, or its repeats are not constant");

    public static NoOp Squeeze(Node node, TypeFacts types) => Pair(node, "Unsqueeze", types);

    public static NoOp Unsqueeze(Node node, TypeFacts types) => Pair(node, "Squeeze", types);

    /// <summary>Concat, Sum, Max, Min and Mean of a single input; Split into a single output.</summary>
    public static NoOp Single(Node node, TypeFacts types) => node.Inputs.Count == 1 && node.Outputs.Count == 1
        ? new NoOp.SameAs(node.Input(0)!) : new NoOp.Needed("has several operands");

    public static NoOp Split(Node node, TypeFacts types) => node.Outputs.Count == 1 ? new NoOp.SameAs(node.Input(0)!) : new NoOp.Needed("has several outputs");

    public static NoOp Resize(Node node, TypeFacts types)
    {
        if (node.Text("coordinate_transformation_mode") == "tf_crop_and_resize")
            return new NoOp.Needed("crops");
        int scalesInput = node.OpType == "Upsample" || node.OpsetVersion < 11 ? 1 : 2;
        float[]? scales = node.Floats("scales") ?? (node.Input(scalesInput)?.Constant is { Type: ElementType.Float32, Length: > 0 } tensor ? tensor.ToFloats() : null);
        if (scales is not null)
            return scales.All(s => s == 1) ? new NoOp.SameAs(node.Input(0)!) : new NoOp.Needed("scales");
        return SameShapeOnly(node, types);
    }

    public static NoOp Blocks(Node node, TypeFacts types) => node.Int("blocksize") == 1 ? new NoOp.SameAs(node.Input(0)!) : new NoOp.Needed("moves data");

    public static NoOp Pool(Node node, TypeFacts types)
    {
        bool single = node.Ints("kernel_shape") is { } kernel && kernel.All(k => k == 1) && All("strides", 1) && All("pads", 0)
            && node.Text("auto_pad") is null or "NOTSET" or "VALID" && node.Output(1) is null;
        return single ? new NoOp.SameAs(node.Input(0)!) : new NoOp.Needed("pools");

        bool All(string name, long value) => node.Ints(name)?.All(v => v == value) ?? true;
    }

    private static NoOp Pair(Node node, string inverse, TypeFacts types)
    {
        Value input = node.Input(0)!;
        long[]? axes = Constants.Integers(node, "axes", 1);
        if (axes is { Length: 0 } && node.OpType == "Unsqueeze")
            return new NoOp.SameAs(input);
        return axes is not null && Inner(input, inverse, keepOthers: true) is { } inner && Constants.Integers(inner, "axes", 1) is { } other && axes.Order().SequenceEqual(other.Order())
            ? new NoOp.SameAs(inner.Input(0)!) : new NoOp.Needed("changes the rank");
    }

    /// <summary>The node of one of these operators that makes the value; unless <paramref name="keepOthers"/>, only where nothing else reads it.</summary>
    private static Node? Inner(Value value, string opType, bool keepOthers) =>
        value.Producer is { } node && node.Is(opType) && node.Input(0) is not null && ReferenceEquals(value, node.Output(0)) && (keepOthers || Rewire.HasOneReader(value)) ? node : null;

    private static Node? Inner(Value value, params string[] opTypes) => opTypes.Select(o => Inner(value, o, keepOthers: false)).FirstOrDefault(n => n is not null);

    private static long[]? Permutation(Node node, TypeFacts types)
    {
        if (node.Ints("perm") is { } perm)
            return perm;
        return types.Rank(node.Input(0)) is { } rank ? [.. Enumerable.Range(0, rank).Select(i => (long)(rank - 1 - i))] : null;
    }

    private static bool IsIdentity(long[] permutation) => !permutation.Where((axis, i) => axis != i).Any();
}
