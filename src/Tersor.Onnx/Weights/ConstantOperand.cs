using System.Collections.Immutable;

namespace Tersor.Onnx;

/// <summary>A constant seen through nodes that only move or convert it.</summary>
/// <param name="Constant">The initializer or the Constant node's output.</param>
/// <param name="Path">The nodes it passes, in order.</param>
/// <param name="Shape">Its shape behind them.</param>
/// <param name="Axes">For each axis of <paramref name="Shape"/>, the axis of the stored tensor; -1 where there is none.</param>
internal sealed record ConstantOperand(Value Constant, ImmutableArray<Node> Path, ImmutableArray<long> Shape, ImmutableArray<int> Axes)
{
    public ElementType Type => Constant.Tensor!.Type;

    public int Rank => Shape.Length;

    public int? ToStored(int? axis) => axis is { } known && known >= 0 && known < Axes.Length && Axes[known] >= 0 ? Axes[known] : null;

    /// <summary>The constant behind a value, or null when there is none.</summary>
    public static ConstantOperand? Of(Value value)
    {
        List<Node> path = [];
        Value current = value;
        while (current.Tensor is null)
        {
            // A path through a thousand nodes is no weight; the bound also ends a circle made by an edit.
            if (current.Producer is not { } node || path.Count > 100 || !IsTransparent(node) || node.Input(0) is not { } source)
                return null;
            path.Add(node);
            current = source;
        }
        path.Reverse();
        Tensor tensor = current.Tensor;
        ConstantOperand operand = new(current, [.. path], tensor.Shape, [.. Enumerable.Range(0, tensor.Rank)]);
        foreach (Node node in path)
        {
            if (operand.Through(node) is not { } next)
                return null;
            operand = next;
        }
        return operand;
    }

    /// <summary>True for an operator that moves or converts its first input and does nothing else.</summary>
    public static bool IsTransparent(Node node) => node.Is("Transpose", "Cast", "CastLike", "Identity", "Reshape", "Flatten", "Unsqueeze", "Squeeze");

    /// <summary>The operand behind one more transparent node; null where its target shape or axes are not constant.</summary>
    public ConstantOperand? Through(Node node) => node.OpType switch
    {
        "Transpose" => Transposed(node.Ints("perm") ?? [.. Enumerable.Range(0, Rank).Reverse().Select(i => (long)i)]),
        "Unsqueeze" => AxesOf(node) is { } axes ? Unsqueezed(axes) : null,
        "Squeeze" => AxesOf(node) is { } axes ? Squeezed(axes) : node.Input(1) is null ? Squeezed([.. Enumerable.Range(0, Rank).Where(i => Shape[i] == 1).Select(i => (long)i)]) : null,
        "Reshape" => TargetShape(node) is { } target ? Reshaped(target) : null,
        "Flatten" => Flattened(node.Int("axis", 1)),
        _ => this,
    };

    private ConstantOperand? Transposed(long[] perm) => perm.Length == Rank && perm.Order().SequenceEqual(Enumerable.Range(0, Rank).Select(i => (long)i))
        ? this with { Shape = [.. perm.Select(p => Shape[(int)p])], Axes = [.. perm.Select(p => Axes[(int)p])] } : null;

    private ConstantOperand? Unsqueezed(long[] axes)
    {
        int rank = Rank + axes.Length;
        if (Normalized(axes, rank) is not { } added)
            return null;
        int next = 0;
        int[] from = [.. Enumerable.Range(0, rank).Select(i => added.Contains(i) ? -1 : next++)];
        return this with { Shape = [.. from.Select(i => i < 0 ? 1 : Shape[i])], Axes = [.. from.Select(i => i < 0 ? -1 : Axes[i])] };
    }

    private ConstantOperand? Squeezed(long[] axes)
    {
        if (Normalized(axes, Rank) is not { } dropped || dropped.Any(i => Shape[i] != 1))
            return null;
        int[] kept = [.. Enumerable.Range(0, Rank).Where(i => !dropped.Contains(i))];
        return this with { Shape = [.. kept.Select(i => Shape[i])], Axes = [.. kept.Select(i => Axes[i])] };
    }

    private ConstantOperand? Flattened(long axis)
    {
        int split = (int)(axis < 0 ? axis + Rank : axis);
        return split < 0 || split > Rank ? null : Reshaped([Shape[..split].Aggregate(1L, (a, b) => a * b), Shape[split..].Aggregate(1L, (a, b) => a * b)]);
    }

    /// <summary>An axis survives a reshape where it keeps its size and as many elements lie before it as before.</summary>
    private ConstantOperand? Reshaped(long[] target)
    {
        if (target.Aggregate(1L, (a, b) => a * b) != Shape.Aggregate(1L, (a, b) => a * b))
            return null;
        int[] axes = new int[target.Length];
        long before = 1;
        for (int i = 0; i < target.Length; i++)
        {
            axes[i] = target[i] > 1 ? Same(before, target[i]) : -1;
            before *= target[i];
        }
        return this with { Shape = [.. target], Axes = [.. axes] };

        int Same(long elementsBefore, long size)
        {
            long product = 1;
            for (int i = 0; i < Rank; i++)
            {
                if (product == elementsBefore && Shape[i] == size)
                    return Axes[i];
                product *= Shape[i];
            }
            return -1;
        }
    }

    private long[]? TargetShape(Node node)
    {
        long[]? target = node.Ints("shape") ?? (node.Input(1)?.Constant is { Type: ElementType.Int64 } constant ? constant.ToInt64s() : null);
        if (target is null || target.Any(d => d < -1) || target.Count(d => d == -1) > 1)
            return null;
        bool keepZero = node.Int("allowzero", 0) == 1;
        for (int i = 0; i < target.Length; i++)
        {
            if (target[i] == 0 && !keepZero)
                target[i] = i < Rank ? Shape[i] : 0;
        }
        int open = Array.IndexOf(target, -1L);
        if (open >= 0)
        {
            long rest = target.Where(d => d != -1).Aggregate(1L, (a, b) => a * b);
            target[open] = rest == 0 ? 0 : Shape.Aggregate(1L, (a, b) => a * b) / rest;
        }
        return target;
    }

    private static long[]? AxesOf(Node node) => node.Ints("axes") ?? (node.Input(1)?.Constant is { Type: ElementType.Int64 } constant ? constant.ToInt64s() : null);

    private static HashSet<int>? Normalized(long[] axes, int rank)
    {
        HashSet<int> result = [];
        foreach (long axis in axes)
        {
            long normal = axis < 0 ? axis + rank : axis;
            if (normal < 0 || normal >= rank || !result.Add((int)normal))
                return null;
        }
        return result;
    }
}
