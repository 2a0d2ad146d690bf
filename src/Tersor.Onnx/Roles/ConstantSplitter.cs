namespace Tersor.Onnx.Roles;

/// <summary>A constant that stood for several things and is several constants now.</summary>
/// <param name="Name">The constant, which stays what it is to its first reader.</param>
/// <param name="Copies">Names of the constants that were split off.</param>
public sealed record SplitConstant(string Name, IReadOnlyList<string> Copies);

/// <summary>Tells constants apart that exporters stored once because their numbers were equal. Whoever edits constants in place does this first: the variance of a normalization does not follow its scale.</summary>
/// <remarks>What is shared on purpose stays shared: a matrix that is also a table, a layer that is used twice. Numbers that are all the same, as a fresh network's ones and zeros, say nothing about that:
/// they belong together where the layers that read them share a weight. Source of the merging: torch.onnx.export, "deduplicate_initializers", of PyTorch.</remarks>
public static class ConstantSplitter
{
    /// <summary>Splits, and lets operators read constants directly that they read by way of an Identity.</summary>
    /// <param name="model">Changed in place. Constants that a caller may override stay whole.</param>
    public static IReadOnlyList<SplitConstant> SplitByRole(Model model)
    {
        RemoveIdentities(model);
        ConstantRoles roles = ConstantRoles.Of(model);
        LayerIdentity layers = new(roles);
        Dictionary<Node, int> order = model.AllNodes().Select((node, place) => (node, place)).ToDictionary(n => n.node, n => n.place);
        List<SplitConstant> split = [];
        foreach (Value constant in roles.Constants.Where(c => !c.IsOverridable && c.Tensor!.Type.IsFloat()).ToArray())
        {
            ConstantUse[] uses = [.. roles.UsesOf(constant).OrderBy(u => Rank(u.Role)).ThenBy(u => u.Node is { } node ? order[node] : int.MaxValue).ThenBy(u => u.InputIndex)];
            if (!uses.Any(u => IsEdited(u.Role)))
                continue;
            bool isUniform = IsUniform(constant.Tensor!);
            IGrouping<(string, object?), ConstantUse>[] groups = [.. uses.GroupBy(u => (Kind(u), isUniform && IsEdited(u.Role) ? layers.Of(u.Node!) : null))];
            if (groups.Length > 1)
                split.Add(new(constant.Name, [.. groups[1..].Select(g => SplitOff(constant, g.Key.Item1, [.. g]).Name)]));
        }
        return split;
    }

    /// <summary>A constant of its own for some readers.</summary>
    private static Value SplitOff(Value constant, string kind, ConstantUse[] uses)
    {
        Value copy = constant.Graph.AddInitializer($"{constant.Name}/{kind}", constant.Tensor!);
        foreach (Constraint constraint in constant.Constraints)
            copy.Constraints.Add(constraint);
        Dictionary<Value, Value> made = new() { [constant] = copy };
        foreach (ConstantUse use in uses)
        {
            if (use.Node is not { } node)
                continue; // what is given out keeps the constant's name
            Value before = node.Inputs[use.InputIndex]!;
            node.SetInput(use.InputIndex, Copied(before, made));
            RemoveUnused(before);
        }
        return copy;
    }

    /// <summary>A value computed from the copy as it was from the constant; itself where it does not follow from the constant.</summary>
    private static Value Copied(Value value, Dictionary<Value, Value> made)
    {
        if (made.TryGetValue(value, out Value? known))
            return known;
        if (value.Producer is not { } node || node.Is("Constant"))
            return made[value] = value;
        Value?[] inputs = [.. node.Inputs.Select(i => i is null ? null : Copied(i, made))];
        if (inputs.SequenceEqual(node.Inputs))
            return made[value] = value;
        Node copy = node.Graph.InsertBefore(node.Next, node.OpType, inputs, [.. node.Outputs.Select(o => o?.Name ?? "")], node.Attributes, node.Domain);
        for (int i = 0; i < node.Outputs.Count; i++)
        {
            if (node.Outputs[i] is { } output)
                made[output] = copy.Outputs[i]!;
        }
        return made[value];
    }

    private static void RemoveIdentities(Model model)
    {
        foreach (Node node in model.AllNodes().Where(n => n.Is("Identity") && n.Outputs[0] is { IsGraphOutput: false }).ToArray())
        {
            if (node.Inputs[0] is not { Tensor: not null } constant)
                continue;
            node.Outputs[0]!.ReplaceAllUsesWith(constant);
            node.Remove();
        }
    }

    private static void RemoveUnused(Value value)
    {
        if (value.Producer is not { } node || node.Is("Constant") || !node.IsInGraph || node.Outputs.OfType<Value>().Any(o => !o.IsUnused))
            return;
        Value[] inputs = [.. node.Inputs.OfType<Value>()];
        node.Remove();
        foreach (Value input in inputs)
            RemoveUnused(input);
    }

    /// <summary>Weights first: they keep the name.</summary>
    private static int Rank(ConstantRole role) => ConstantRoles.IsTrained(role) ? 0 : role == ConstantRole.Statistic ? 1 : 2;

    /// <summary>Whether what has a role changes when a model is trained or its layers are changed.</summary>
    private static bool IsEdited(ConstantRole role) => ConstantRoles.IsTrained(role) || role == ConstantRole.Statistic;

    /// <summary>Uses of the same kind may share a constant on purpose.</summary>
    private static string Kind(ConstantUse use) => use.Role switch
    {
        ConstantRole.Weight or ConstantRole.Table or ConstantRole.RecurrentWeight => "weight",
        ConstantRole.Statistic => use.InputIndex == 3 ? "mean" : "variance",
        ConstantRole.Bias => "bias",
        ConstantRole.NormalizationScale => "scale",
        ConstantRole.NormalizationShift => "shift",
        ConstantRole.Slope => "slope",
        ConstantRole.ScaleOrShift => use.Node!.Is("Mul") ? "factor" : "addend",
        ConstantRole.Token or ConstantRole.InitialState => "token",
        _ => "fixed",
    };

    private static bool IsUniform(Tensor tensor) => tensor.ToFloats() is { Length: > 0 } values && values.AsSpan().IndexOfAnyExcept(values[0]) < 0;
}
