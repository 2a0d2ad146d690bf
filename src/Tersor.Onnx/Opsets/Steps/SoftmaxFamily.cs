namespace Tersor.Onnx.Opsets.Steps;

/// <summary>Softmax, LogSoftmax and Hardmax before version 13 took everything from the axis on (default 1) as one flat axis; now they take that axis alone (default -1).</summary>
internal static class SoftmaxFamily
{
    public static void Unflatten(Node node, StepContext context)
    {
        context.RequireLiteral(node, "axis");
        long axis = node.Int("axis", 1);
        if (node.Input(0) is not { } x)
            return;
        IReadOnlyList<Dimension>? shape = context.ShapeOf(x);
        long start = axis < 0 && shape is not null ? axis + shape.Count : axis;
        if (axis == -1 || (shape is not null && start >= 0 && start < shape.Count && shape.Skip((int)start + 1).All(d => d.Size == 1)))
        {
            node.SetAttribute("axis", axis);
            return;
        }
        Value dims = node.Graph.InsertBefore(node, "Shape", [x], [StepContext.Hint(node, "shape")]).Outputs[0]!;
        Value flat = node.Graph.InsertBefore(node, "Flatten", [x], [StepContext.Hint(node, "flat")], [new("axis", axis)]).Outputs[0]!;
        Value result = node.Graph.InsertBefore(node, node.OpType, [flat], [StepContext.Hint(node, "rows")], [new("axis", -1)]).Outputs[0]!;
        context.Replace(node, "Reshape", [result, dims], []);
    }
}
