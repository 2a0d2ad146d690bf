using System.Collections.Immutable;

namespace Tersor.Onnx.Roles;

/// <summary>Follows constants through operators that move, convert or combine nothing but constants, to those that bring them together with activations.</summary>
internal sealed class ConstantFlow(InferredTypes types)
{
    private readonly Dictionary<Value, bool> known = [];

    /// <summary>Where a constant, seen through a path, is read.</summary>
    /// <param name="Use">The reader; without a node where the value is given out.</param>
    /// <param name="Operand">What the reader sees of it.</param>
    /// <param name="Moved">Whether its numbers are as they are stored, but for their places and type.</param>
    public readonly record struct Reading(Use? Use, ConstantOperand Operand, bool Moved);

    /// <summary>Every operator that reads a constant beside something that is none.</summary>
    public IReadOnlyList<Reading> Readers(Value constant)
    {
        List<Reading> found = [];
        HashSet<Value> seen = [];
        Queue<(Value Value, ConstantOperand Operand, bool Moved)> open = new([(constant, new(constant, [], constant.Tensor!.Shape, [.. Enumerable.Range(0, constant.Tensor.Rank)]), true)]);
        while (open.TryDequeue(out (Value Value, ConstantOperand Operand, bool Moved) at))
        {
            if (!seen.Add(at.Value))
                continue;
            if (at.Value.IsGraphOutput)
                found.Add(new(null, at.Operand, at.Moved));
            foreach (Use use in at.Value.Uses)
            {
                if (use.Node.Is("Shape", "Size"))
                    continue; // what is asked for is no number of it
                if (!IsFollowed(use))
                {
                    found.Add(new(use, at.Operand, at.Moved));
                    continue;
                }
                foreach (Value output in use.Node.Outputs.OfType<Value>())
                    open.Enqueue((output, Through(at.Operand, use, output), at.Moved && Moves(use.Node)));
            }
        }
        return found;
    }

    /// <summary>Whether a value holds nothing but constants.</summary>
    public bool IsConstant(Value value)
    {
        if (known.TryGetValue(value, out bool answer))
            return answer;
        known[value] = false;
        return known[value] = value.Tensor is not null || value.Producer is { } node && IsFoldable(node) && Data(node).ToArray() is { Length: > 0 } data && data.All(IsConstant);
    }

    /// <summary>Whether a node only puts numbers of constants elsewhere or into another type.</summary>
    public static bool Moves(Node node) => ConstantOperand.IsTransparent(node) || node.Is("Slice", "Split", "Concat", "Expand", "Tile", "Gather", "Pad");

    private bool IsFollowed(Use use) => IsFoldable(use.Node) && !SettingFlow.IsSetting(use.Node, use.Index) && Data(use.Node).All(IsConstant);

    /// <summary>Control flow, calls and quantization are ends: what a constant is there, it is by itself.</summary>
    private static bool IsFoldable(Node node) => node.IsStandard && !node.Bodies.Any() && !node.Is("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "Shape", "Size", "RandomNormalLike", "RandomUniformLike", "Bernoulli", "Multinomial")
        && node.Graph.Model.FindFunction(node) is null;

    /// <summary>What decides which numbers a node gives: data, and what chooses among them. Sizes do not, and may come from the shape of an activation.</summary>
    private static IEnumerable<Value> Data(Node node)
    {
        for (int i = 0; i < node.Inputs.Count; i++)
        {
            if (node.Inputs[i] is { } input && (!SettingFlow.IsSetting(node, i) || Chooses(node)))
                yield return input;
        }
    }

    private static bool Chooses(Node node) => node.Is("Gather", "GatherElements", "GatherND", "Scatter", "ScatterElements", "ScatterND", "Where", "Compress", "GridSample", "MaxUnpool", "RoiAlign", "MaxRoiPool", "OneHot", "Clip", "Range");

    /// <summary>The operand behind one more node; its axes are unknown where they cannot be told.</summary>
    private ConstantOperand Through(ConstantOperand operand, Use use, Value output)
    {
        ImmutableArray<Node> path = operand.Path.Add(use.Node);
        if (ConstantOperand.IsTransparent(use.Node) && operand.Through(use.Node) is { } next)
            return next with { Path = path };
        ImmutableArray<long> shape = types.FixedShapeOf(output) is { } inferred ? [.. inferred] : operand.Shape;
        ImmutableArray<int> unknown = [.. Enumerable.Repeat(-1, shape.Length)];
        ImmutableArray<int> axes = use.Node.OpType switch
        {
            "Slice" or "Split" or "Concat" or "Tile" or "Pad" when shape.Length == operand.Rank => operand.Axes,
            "Expand" when shape.Length >= operand.Rank => [.. Enumerable.Repeat(-1, shape.Length - operand.Rank), .. operand.Axes],
            "Gather" when shape.Length == operand.Rank => operand.Axes,
            _ => unknown,
        };
        return operand with { Path = path, Shape = shape, Axes = axes };
    }
}
