namespace Tersor.Onnx.Roles;

/// <summary>Which operators are one layer, used several times: those that share a weight whose numbers tell it from others.</summary>
internal sealed class LayerIdentity
{
    private readonly Dictionary<Node, Value> distinctive = [];

    public LayerIdentity(ConstantRoles roles)
    {
        foreach (Value constant in roles.Constants.Where(c => c.Tensor is { Length: > 1 } tensor && tensor.Type.IsFloat()))
        {
            foreach (ConstantUse use in roles.UsesOf(constant).Where(u => u.Role is ConstantRole.Weight or ConstantRole.RecurrentWeight or ConstantRole.NormalizationScale or ConstantRole.NormalizationShift or ConstantRole.ScaleOrShift))
            {
                if (use.Node is { } node && !distinctive.ContainsKey(node) && constant.Tensor!.ToFloats() is var values && values.AsSpan().IndexOfAnyExcept(values[0]) >= 0)
                    distinctive[node] = constant;
            }
        }
    }

    /// <summary>The weight of an operator, or of the layer directly in front of it; the operator itself where neither has one.</summary>
    public object Of(Node node)
    {
        if (distinctive.TryGetValue(node, out Value? own))
            return own;
        return node.Inputs.Select(i => i?.Producer).OfType<Node>().Select(distinctive.GetValueOrDefault).FirstOrDefault(w => w is not null) is { } before ? before : node;
    }
}
