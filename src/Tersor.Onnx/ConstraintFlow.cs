namespace Tersor.Onnx;

/// <summary>What constraints of a constant become behind nodes that move, convert or scale it.</summary>
public static class ConstraintFlow
{
    /// <summary>Constraints that hold for a value because it is made from a constant that has them; empty where none are known to.</summary>
    /// <remarks>
    /// Transpose, Reshape and the like carry all of them, along axes that survive. A conversion keeps zeros and the number of different values, not a grid. Scaling keeps zeros;
    /// a part keeps zeros and different values. A tie says that whole tensors are equal, so it ends where one of them is moved alone.
    /// </remarks>
    public static IReadOnlyList<Constraint> Behind(Value value) => Behind(value, depth: 0);

    private static Constraint[] Behind(Value value, int depth)
    {
        if (value.Tensor is not null)
            return [.. value.Constraints];
        if (depth > 100 || value.Producer is not { } node)
            return [];
        if (ConstantOperand.Of(value) is { Constant.Constraints.Count: > 0 } operand)
            return [.. operand.Constant.Constraints.Select(c => Moved(c, operand)).OfType<Constraint>()];
        return node.OpType switch
        {
            "Mul" when node.IsStandard => [.. node.Inputs.OfType<Value>().SelectMany(i => Behind(i, depth + 1)).Where(c => c is Constraint.Mask)],
            "Div" or "Neg" when node.IsStandard && node.Input(0) is { } scaled => [.. Behind(scaled, depth + 1).Where(c => c is Constraint.Mask)],
            "Slice" or "Split" or "Gather" when node.IsStandard && node.Input(0) is { } whole => [.. Behind(whole, depth + 1).Where(c => c is Constraint.Mask or Constraint.Codebook)],
            _ when ConstantOperand.IsTransparent(node) && node.Input(0) is { } source => [.. Behind(source, depth + 1).Where(c => c is Constraint.Mask or Constraint.Codebook)],
            _ => [],
        };
    }

    private static Constraint? Moved(Constraint constraint, ConstantOperand operand)
    {
        bool moved = operand.Path.Any(n => !n.Is("Identity", "Cast", "CastLike")), converted = operand.Path.Any(n => n.Is("Cast", "CastLike"));
        return constraint switch
        {
            Constraint.NOfM pattern => Axis(pattern.Axis) is { } axis ? pattern with { Axis = axis } : null,
            Constraint.Grid grid => converted ? null : grid.Axis is not { } scales ? grid : Axis(scales) is { } axis ? grid with { Axis = axis } : null,
            Constraint.Tie => moved || converted ? null : constraint,
            _ => constraint,
        };

        int? Axis(int stored) => operand.Axes.IndexOf(stored) is >= 0 and var found ? found : null;
    }
}
