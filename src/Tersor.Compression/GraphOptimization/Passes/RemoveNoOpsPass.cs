using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Removes nodes that provably give out what they take in: Identity, Dropout at inference, conversions to the type a value has, reshapes to its shape, pairs that undo each other.</summary>
public sealed class RemoveNoOpsPass : Pass
{
    private delegate NoOp Rule(Node node, TypeFacts types);

    private static readonly Dictionary<string, Rule> Rules = new(StringComparer.Ordinal)
    {
        ["Identity"] = ValueRules.Identity,
        ["Dropout"] = ValueRules.Dropout,
        ["Cast"] = ValueRules.Cast,
        ["Add"] = ValueRules.Add,
        ["Sub"] = ValueRules.Sub,
        ["Mul"] = ValueRules.Mul,
        ["Div"] = ValueRules.Div,
        ["Pow"] = ValueRules.Pow,
        ["Relu"] = ValueRules.Relu,
        ["Clip"] = ValueRules.Clip,
        ["Abs"] = ValueRules.Idempotent,
        ["Ceil"] = ValueRules.Idempotent,
        ["Floor"] = ValueRules.Idempotent,
        ["Round"] = ValueRules.Idempotent,
        ["Sign"] = ValueRules.Idempotent,
        ["Neg"] = ValueRules.Involution,
        ["Not"] = ValueRules.Involution,
        ["Reshape"] = ShapeRules.Reshape,
        ["Flatten"] = ShapeRules.Flatten,
        ["Transpose"] = ShapeRules.Transpose,
        ["Slice"] = ShapeRules.Slice,
        ["Pad"] = ShapeRules.Pad,
        ["Expand"] = ShapeRules.Expand,
        ["Tile"] = ShapeRules.Tile,
        ["Squeeze"] = ShapeRules.Squeeze,
        ["Unsqueeze"] = ShapeRules.Unsqueeze,
        ["Concat"] = ShapeRules.Single,
        ["Sum"] = ShapeRules.Single,
        ["Max"] = ShapeRules.Single,
        ["Min"] = ShapeRules.Single,
        ["Mean"] = ShapeRules.Single,
        ["Split"] = ShapeRules.Split,
        ["Resize"] = ShapeRules.Resize,
        ["Upsample"] = ShapeRules.Resize,
        ["DepthToSpace"] = ShapeRules.Blocks,
        ["SpaceToDepth"] = ShapeRules.Blocks,
        ["MaxPool"] = ShapeRules.Pool,
        ["AveragePool"] = ShapeRules.Pool,
    };

    /// <inheritdoc/>
    public override string Name => "remove-no-ops";

    /// <inheritdoc/>
    public override PassEffect Effect => PassEffect.Structural;

    /// <inheritdoc/>
    protected override PassReport Apply(Model model, PassContext context)
    {
        PassReport report = new();
        TypeFacts types = new(context);
        foreach (Node node in model.AllNodes().ToArray())
        {
            context.Cancellation.ThrowIfCancellationRequested();
            if (!node.IsInGraph || !node.IsStandard || !Rules.TryGetValue(node.OpType, out Rule? rule) || node.Input(0) is null || node.Output(0) is not { IsUnused: false })
                continue;
            string name = node.ToString();
            switch (BrokenRules.Guard(() => rule(node, types), new NoOp.Needed(BrokenRules.Reason)))
            {
                case NoOp.SameAs same when Rewire.Obstacle(node.Outputs[0]!, same.Value) is { } obstacle:
                    report.Skip(name, $"does nothing, but {obstacle}");
                    break;
                case NoOp.SameAs same:
                    Value? input = node.Input(0);
                    Rewire.Bypass(node, same.Value);
                    Rewire.RemoveIfUnused(input);
                    report.Changed(name, $"does nothing; readers read '{same.Value.Name}'");
                    break;
                case NoOp.Shortcut shortcut:
                    Value old = node.Inputs[0]!;
                    node.SetInput(0, shortcut.Value);
                    shortcut.Adjust?.Invoke(node);
                    Rewire.RemoveIfUnused(old);
                    report.Changed(name, shortcut.What);
                    break;
                case NoOp.Needed needed:
                    report.Skip(name, needed.Reason);
                    break;
            }
        }
        return report;
    }
}
