namespace Tersor.Onnx.Opsets.Steps;

/// <summary>Before version 7, broadcasting was asked for by an attribute, one-sided, and could be aligned at any axis of the first operand.</summary>
internal static class Broadcasting
{
    /// <summary>The two-operand operators: B's dimensions matched those of A from <c>axis</c> on, or A's last ones.</summary>
    public static void Align(Node node, StepContext context)
    {
        bool broadcast = node.Int("broadcast", 0) != 0;
        long? axis = node.Int("axis");
        node.RemoveAttribute("broadcast");
        node.RemoveAttribute("axis");
        if (!broadcast || axis is null || node.Input(0) is not { } a || node.Input(1) is not { } b)
            return; // aligned at the end, as now
        if (context.ShapeOf(a)?.Count is not { } rankA || context.ShapeOf(b)?.Count is not { } rankB)
            throw context.Impossible(node, $"it broadcasts from axis {axis} and the ranks of its inputs are not known; declare the shapes of '{a.Name}' and '{b.Name}'");
        long start = axis.Value < 0 ? axis.Value + rankA : axis.Value;
        long trailing = rankA - start - rankB;
        if (start < 0 || trailing < 0)
            throw context.Impossible(node, $"it broadcasts {Plural.Of(rankB, "dimension")} from axis {axis} of {rankA}, which do not fit; expected axis + {rankB} <= {rankA}");
        if (trailing == 0)
            return;
        long[] axes = [.. Enumerable.Range(rankB, (int)trailing).Select(i => (long)i)];
        node.SetInput(1, node.Graph.InsertBefore(node, "Unsqueeze", [b], [StepContext.Hint(node, "aligned")], [new("axes", axes)]).Outputs[0]);
    }

    /// <summary>Gemm broadcast its C at the end already.</summary>
    public static void DropForGemm(Node node, StepContext context) => node.RemoveAttribute("broadcast");

    /// <summary>PRelu: a slope of one dimension was one number a channel (axis 1); now it aligns at the last axis.</summary>
    public static void AlignSlope(Node node, StepContext context)
    {
        if (node.Input(0) is not { } x || node.Input(1) is not { } slope || context.ShapeOf(slope) is { Count: 0 } or [{ Size: 1 }])
            return;
        if (context.ShapeOf(x)?.Count is not { } rank || context.ShapeOf(slope) is not { Count: 1 })
            throw context.Impossible(node, $"its slope is one number a channel, and the shapes of its inputs are not known; declare the shapes of '{x.Name}' and '{slope.Name}'");
        if (rank <= 2)
            return;
        long[] axes = [.. Enumerable.Range(1, rank - 2).Select(i => (long)i)];
        node.SetInput(1, node.Graph.InsertBefore(node, "Unsqueeze", [slope], [StepContext.Hint(node, "slope")], [new("axes", axes)]).Outputs[0]);
    }
}
