using Tersor.Onnx;

namespace Tersor.Compression.Pruning.Channels;

/// <summary>What operators do with channels. What is not in the table wants them as they are.</summary>
internal static class ChannelRules
{
    private static readonly Dictionary<string, Func<ChannelAnalysis, Node, bool>> Table = new()
    {
        ["Conv"] = Convolution,
        ["ConvTranspose"] = TransposedConvolution,
        ["Gemm"] = Gemm,
        ["MatMul"] = MatMul,
        ["BatchNormalization"] = (a, n) => n.Outputs.Skip(1).All(o => o is null or { IsUnused: true }) && Normalization(a, n, 1, 4),
        ["InstanceNormalization"] = (a, n) => Normalization(a, n, 1, 2),
        ["LayerNormalization"] = (a, n) => LastAxis(a, n) && Normalization(a, n, a.Rank(n.Input(0))!.Value - 1, 2),
        ["RMSNormalization"] = (a, n) => LastAxis(a, n) && Normalization(a, n, a.Rank(n.Input(0))!.Value - 1, 1),
        ["Softmax"] = OverOtherAxes,
        ["LogSoftmax"] = OverOtherAxes,
        ["PRelu"] = Elementwise,
        ["Concat"] = Concat,
        ["Flatten"] = (a, n) => n.Int("axis", 1) == 1 && Flat(a, n),
        ["Reshape"] = Reshape,
        ["Transpose"] = Moved(Transposed),
        ["Squeeze"] = Moved(Squeezed),
        ["Unsqueeze"] = Moved(Unsqueezed),
        ["Shape"] = Shape,
        ["Pad"] = Pad,
        ["Resize"] = Resize,
        ["Upsample"] = Resize,
        ["Gather"] = Moved(Gathered),
        ["LSTM"] = Recurrent,
        ["GRU"] = Recurrent,
        ["RNN"] = Recurrent,
        ["com.microsoft.BiasGelu"] = BiasOnLastAxis,
        ["com.microsoft.FastGelu"] = BiasOnLastAxis,
        ["com.microsoft.Gelu"] = Same,
        ["com.microsoft.QuickGelu"] = Same,
    };

    static ChannelRules()
    {
        foreach (string name in (string[])["Relu", "Clip", "HardSwish", "HardSigmoid", "Sigmoid", "Tanh", "LeakyRelu", "Elu", "Selu", "Celu", "Gelu", "Mish", "Swish", "Softplus", "Softsign", "ThresholdedRelu", "Abs", "Neg",
            "Erf", "Exp", "Log", "Sqrt", "Reciprocal", "Floor", "Ceil", "Round", "Sign", "Identity", "Dropout", "Cast"])
            Table[name] = Same;
        foreach (string name in (string[])["MaxPool", "AveragePool", "LpPool", "GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"])
            Table[name] = (a, n) => OnlyOn(a, n, 1) && Same(a, n);
        foreach (string name in (string[])["Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Sum", "Mean"])
            Table[name] = Elementwise;
        foreach (string name in (string[])["ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceSumSquare"])
            Table[name] = Moved(Reduced);
    }

    /// <summary>Follows channels through a node. False: it wants them as they are.</summary>
    public static bool Apply(ChannelAnalysis analysis, Node node) =>
        Table.TryGetValue(node.IsStandard ? node.OpType : $"{node.Domain}.{node.OpType}", out Func<ChannelAnalysis, Node, bool>? rule) && (node.Is("LSTM", "GRU", "RNN") || node.Outputs.Skip(1).All(o => o is null or { IsUnused: true })) && rule(analysis, node);

    private static bool Convolution(ChannelAnalysis a, Node node)
    {
        Lane? read = a.Of(node.Input(0), 1);
        if (node.Input(1)?.Constant is not { Rank: > 2 } weight || !OnlyOn(a, node, 1))
            return false;
        if (node.Int("group", 1) is not 1 and var groups)
        {
            if (weight.Shape[1] != 1 || weight.Shape[0] != groups || read is null || read.Size != groups || read.Segments.Any(s => s.Block != 1))
                return false;
            a.Bind(node, 1, 0, read);
            a.Bind(node, 2, 0, read);
            a.Depthwise.Add((node, read));
            a.Set(node.Output(0), 1, read);
            return true;
        }
        a.Bind(node, 1, 1, read);
        return Makes(a, node, 0, 1);
    }

    /// <summary>Whether the first input has channels along one axis only, or none.</summary>
    private static bool OnlyOn(ChannelAnalysis a, Node node, int axis) => a.Of(node.Input(0)) is not { } lanes || !lanes.Where((lane, i) => i != axis && lane is not null).Any();

    private static bool TransposedConvolution(ChannelAnalysis a, Node node)
    {
        if (node.Int("group", 1) != 1 || node.Input(1)?.Constant is not { Rank: > 2 } || !OnlyOn(a, node, 1))
            return false;
        a.Bind(node, 1, 0, a.Of(node.Input(0), 1));
        return Makes(a, node, 1, 1);
    }

    private static bool Gemm(ChannelAnalysis a, Node node)
    {
        if (node.Int("transA", 0) != 0 || node.Input(1)?.Constant is not { Rank: 2 } || !OnlyOn(a, node, 1))
            return false;
        int read = node.Int("transB", 0) != 0 ? 1 : 0;
        a.Bind(node, 1, read, a.Of(node.Input(0), 1));
        return Makes(a, node, 1 - read, 1);
    }

    private static bool MatMul(ChannelAnalysis a, Node node)
    {
        if (node.Input(1)?.Constant is not { Rank: 2 } || a.Rank(node.Input(0)) is not (>= 2 and var rank))
            return false;
        a.Bind(node, 1, 0, a.Of(node.Input(0), rank - 1));
        if (!Makes(a, node, 1, rank - 1))
            return false;
        Lane?[] lanes = [.. a.Of(node.Input(0)) ?? new Lane?[rank]];
        lanes[rank - 1] = a.Of(node.Output(0), rank - 1);
        a.Set(node.Output(0), lanes);
        return true;
    }

    /// <summary>New channels along an axis of the result, from an axis of the weight; a bias has one number for each.</summary>
    private static bool Makes(ChannelAnalysis a, Node node, int weightAxis, int axis)
    {
        if (a.Made(node, 1, weightAxis) is not { } made)
            return false;
        if (node.Input(2) is { } bias)
        {
            int last = (bias.Constant?.Rank ?? 1) - 1;
            if (bias.Constant is { Length: 1 } && made.Size != 1)
                a.Touch(node, 2);
            else
                a.Bind(node, 2, last, made);
        }
        a.Set(node.Output(0), axis, made);
        return true;
    }

    private static bool Same(ChannelAnalysis a, Node node)
    {
        a.Set(node.Output(0), a.Of(node.Input(0)) ?? []);
        return true;
    }

    private static bool Normalization(ChannelAnalysis a, Node node, int axis, int parameters)
    {
        for (int i = 1; i <= parameters; i++)
            a.Bind(node, i, 0, a.Of(node.Input(0), axis));
        return Same(a, node);
    }

    private static bool LastAxis(ChannelAnalysis a, Node node) => a.Rank(node.Input(0)) is { } rank && node.Int("axis", -1) is var axis && (axis == -1 || axis == rank - 1);

    private static bool OverOtherAxes(ChannelAnalysis a, Node node) => node.OpsetVersion >= 13 && a.Rank(node.Input(0)) is { } rank && a.Of(node.Input(0), (int)((node.Int("axis", -1) + rank) % rank)) is null && Same(a, node);

    /// <summary>Operands meet axis by axis from the last; one of size 1 is repeated.</summary>
    private static bool Elementwise(ChannelAnalysis a, Node node)
    {
        if (node.OpsetVersion < 7 || a.Rank(node.Output(0)) is not { } rank || node.Inputs.Any(i => a.Rank(i) is null))
            return false;
        Lane?[] result = new Lane?[rank];
        for (int axis = 0; axis < rank; axis++)
        {
            List<(int Input, int Own)> open = [];
            for (int i = 0; i < node.Inputs.Count; i++)
            {
                int own = axis - rank + a.Rank(node.Inputs[i])!.Value;
                if (own >= 0 && a.Size(node.Inputs[i], own) != 1)
                    open.Add((i, own));
            }
            Lane?[] found = [.. open.Select(o => a.Of(node.Inputs[o.Input], o.Own))];
            Lane? lane = result[axis] = found.OfType<Lane>().FirstOrDefault();
            foreach (((int input, int own), Lane? other) in open.Zip(found))
            {
                if (other is not null)
                    lane!.Join(other, node.ToString());
                else
                    a.Bind(node, input, own, lane);
            }
        }
        for (int i = 0; i < node.Inputs.Count; i++)
            a.Touch(node, i);
        a.Set(node.Output(0), result);
        return true;
    }

    private static bool Concat(ChannelAnalysis a, Node node)
    {
        if (a.Rank(node.Output(0)) is not { } rank || node.Inputs.Any(i => a.Rank(i) != rank))
            return false;
        int along = (int)((node.Int("axis", 0) + rank) % rank);
        Lane?[] result = new Lane?[rank];
        for (int axis = 0; axis < rank; axis++)
        {
            Lane?[] parts = [.. node.Inputs.Select(i => a.Of(i, axis))];
            if (parts.OfType<Lane>().FirstOrDefault() is not { } first)
                continue;
            if (parts.Select((part, i) => part is null && (axis == along || node.Inputs[i]!.Constant is null)).Any(bad => bad))
                return false;
            if (axis == along)
            {
                result[axis] = new([.. parts.SelectMany(p => p!.Segments)]);
                continue;
            }
            for (int i = 0; i < parts.Length; i++)
            {
                if (parts[i] is { } part)
                    first.Join(part, node.ToString());
                else
                    a.Bind(node, i, axis, first);
            }
            result[axis] = first;
        }
        a.Set(node.Output(0), result);
        return true;
    }

    /// <summary>[N, C, ...] → [N, C · ...]: each channel is a block.</summary>
    private static bool Flat(ChannelAnalysis a, Node node)
    {
        if (a.Of(node.Input(0), 1) is not { } lane)
            return a.Of(node.Input(0)) is null;
        long? block = 1;
        for (int axis = 2; axis < a.Rank(node.Input(0)); axis++)
            block *= a.Size(node.Input(0), axis);
        if (block is not (> 0 and < int.MaxValue) || a.Of(node.Input(0), 0) is not null || a.Rank(node.Output(0)) != 2)
            return false;
        a.Set(node.Output(0), 1, lane.Flattened((int)block));
        return true;
    }

    /// <summary>Flattens what lies behind the channels, or from the channels on.</summary>
    private static bool Reshape(ChannelAnalysis a, Node node)
    {
        if (a.Of(node.Input(0)) is not { } before)
            return true;
        if (ChannelAnalysis.Target(node) is not { } target || target.Length != a.Rank(node.Output(0)) || before.Where((lane, axis) => axis != 1 && lane is not null).Any() || before[1] is not { } lane || target.Length < 2
            || node.Int("allowzero", 0) != 0 || !(target[0] == 0 || a.SameSize(node.Inputs[0]!, node.Outputs[0]!, 0)))
        {
            return false;
        }
        if (target.Length == 2 && before.Length > 2)
            return Flat(a, node) && Written(a, node, target, a.Of(node.Output(0), 1)!);
        // The channels stay an axis of their own: what lies behind them is only cut differently.
        if (target[1] is not 0 && target[1] != lane.Size && !(target[1] == -1 && a.Size(node.Output(0), 1) == lane.Size))
            return false;
        a.Set(node.Output(0), 1, lane);
        return target[1] == 0 || Written(a, node, target, lane);
    }

    /// <summary>A number of channels that is written into the target shape changes with them.</summary>
    private static bool Written(ChannelAnalysis a, Node node, long?[] target, Lane lane)
    {
        if (target[1] is -1)
            return true;
        if (target[1] != lane.Size || node.Input(1)?.Constant is null)
            return false;
        a.Sizes.Add((node, 1, lane));
        return true;
    }

    /// <summary>A node that only puts axes elsewhere: from the channels along the axes of what it reads to those of what it gives; null: it wants them as they are.</summary>
    private static Func<ChannelAnalysis, Node, bool> Moved(Func<ChannelAnalysis, Node, Lane?[], Lane?[]?> axes) => (a, node) =>
    {
        if (a.Of(node.Input(0)) is not { } before)
            return true;
        if (axes(a, node, before) is not { } after)
            return false;
        a.Set(node.Output(0), after);
        return true;
    };

    private static Lane?[] Transposed(ChannelAnalysis a, Node node, Lane?[] before) =>
        [.. (node.Ints("perm") ?? [.. Enumerable.Range(0, before.Length).Reverse().Select(i => (long)i)]).Select(axis => before[axis])];

    /// <summary>Picks along an axis that is none of the channels'; the axes of the indices stand in its place.</summary>
    private static Lane?[]? Gathered(ChannelAnalysis a, Node node, Lane?[] before)
    {
        int axis = (int)((node.Int("axis", 0) + before.Length) % before.Length);
        if (before[axis] is not null || a.Of(node.Input(1)) is not null || a.Rank(node.Input(1)) is not { } indices)
            return null;
        return [.. before[..axis], .. new Lane?[indices], .. before[(axis + 1)..]];
    }

    /// <summary>Reads channels; its own units stay as they are.</summary>
    private static bool Recurrent(ChannelAnalysis a, Node node)
    {
        if (!OnlyOn(a, node, 2) || node.Inputs.Skip(3).Any(i => a.Of(i) is not null))
            return false;
        a.Bind(node, 1, 2, a.Of(node.Input(0), 2));
        a.Touch(node, 2);
        return true;
    }

    private static bool BiasOnLastAxis(ChannelAnalysis a, Node node)
    {
        if (a.Rank(node.Input(0)) is not { } rank)
            return a.Of(node.Input(0)) is null;
        if (node.Input(1) is not null)
            a.Bind(node, 1, 0, a.Of(node.Input(0), rank - 1));
        return Same(a, node);
    }

    private static Lane?[]? Squeezed(ChannelAnalysis a, Node node, Lane?[] before) =>
        Axes(node, before.Length) is { } gone && gone.All(axis => before[axis] is null) ? [.. before.Where((_, axis) => !gone.Contains(axis))] : null;

    private static Lane?[]? Unsqueezed(ChannelAnalysis a, Node node, Lane?[] before)
    {
        if (a.Rank(node.Output(0)) is not { } rank || Axes(node, rank) is not { } added)
            return null;
        Queue<Lane?> rest = new(before);
        return [.. Enumerable.Range(0, rank).Select(axis => added.Contains(axis) ? null : rest.Dequeue())];
    }

    private static Lane?[]? Reduced(ChannelAnalysis a, Node node, Lane?[] before) => node.Int("keepdims", 1) == 0 ? Squeezed(a, node, before)
        : Axes(node, before.Length) is { } reduced && reduced.All(axis => before[axis] is null) ? before : null;

    /// <summary>Whoever asks for the size of another axis does not mind.</summary>
    private static bool Shape(ChannelAnalysis a, Node node)
    {
        if (a.Of(node.Input(0)) is not { } before)
            return true;
        return node.Int("start", 0) == 0 && node.Int("end") is null && node.Outputs[0] is { IsGraphOutput: false } shape
            && shape.Uses.All(u => u.Node.Is("Gather") && u.Index == 0 && u.Node.Input(1)?.Constant is { } index && index.ToInt64s().All(i => before[(i + before.Length) % before.Length] is null));
    }

    private static bool Pad(ChannelAnalysis a, Node node)
    {
        if (a.Of(node.Input(0)) is not { } before)
            return true;
        long[]? pads = node.Ints("pads") ?? node.Input(1)?.Constant?.ToInt64s();
        return node.Input(3) is null && pads?.Length == 2 * before.Length && before.Select((lane, axis) => (lane, axis)).All(l => l.lane is null || pads[l.axis] == 0 && pads[l.axis + before.Length] == 0) && Same(a, node);
    }

    private static bool Resize(ChannelAnalysis a, Node node)
    {
        if (a.Of(node.Input(0)) is not { } before)
            return true;
        float[]? scales = node.Floats("scales") ?? node.Input(node.Is("Upsample") || node.OpsetVersion < 11 ? 1 : 2)?.Constant?.ToFloats();
        return node.Ints("axes") is null && scales?.Length == before.Length && before.Select((lane, axis) => (lane, axis)).All(l => l.lane is null || scales[l.axis] == 1) && Same(a, node);
    }

    private static int[]? Axes(Node node, int rank) => (node.Ints("axes") ?? node.Input(1)?.Constant?.ToInt64s()) is { Length: > 0 } axes ? [.. axes.Select(axis => (int)((axis + rank) % rank))] : null;
}
