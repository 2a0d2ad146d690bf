namespace Tersor.Onnx.Opsets.Steps;

/// <summary>BatchNormalization, GroupNormalization and Dropout: how training is told from inference, and the shapes of parameters.</summary>
internal static class Normalization
{
    /// <summary>Version 7: inference is what has one output; before, what said is_test.</summary>
    public static void BatchNormalization7(Node node, StepContext context)
    {
        if (node.Int("is_test", 0) == 0)
            throw context.Impossible(node, "it is in training form (is_test is 0 or absent); export the model for inference");
        node.RemoveAttribute("is_test");
        for (int i = node.Outputs.Count - 1; i > 0; i--)
            DropUnread(node, i, context);
    }

    /// <summary>Version 9: one set of parameters a channel; before, spatial = 0 gave one for every position.</summary>
    public static void BatchNormalization9(Node node, StepContext context)
    {
        context.RequireLiteral(node, "spatial");
        bool spatial = node.Int("spatial", 1) != 0;
        node.RemoveAttribute("spatial");
        if (spatial)
            return;
        if (node.Outputs.Count > 1 || node.Inputs.Count != 5)
            throw context.Impossible(node, "it is in training form with parameters for every position; export the model for inference");
        Graph graph = node.Graph;
        (Value x, Value scale, Value bias, Value mean, Value variance) = (node.Inputs[0]!, node.Inputs[1]!, node.Inputs[2]!, node.Inputs[3]!, node.Inputs[4]!);
        if ((context.ElementTypeOf(x) ?? context.ElementTypeOf(scale) ?? ElementType.Float32) != ElementType.Float32)
            throw context.Impossible(node, "it has parameters for every position and is not in single precision; convert it to Float32");
        Value epsilon = context.Constant(node, StepContext.Hint(node, "epsilon"), Tensor.Scalar(node.Float("epsilon", 1e-5f)));
        Value Make(string opType, params Value[] inputs) => graph.InsertBefore(node, opType, inputs, [StepContext.Hint(node, opType)]).Outputs[0]!;
        Value factor = Make("Div", scale, Make("Sqrt", Make("Add", variance, epsilon)));
        context.Replace(node, "Add", [Make("Mul", Make("Sub", x, mean), factor), bias], []);
    }

    /// <summary>Version 14: training is an attribute, and the saved statistics are no longer given out.</summary>
    public static void BatchNormalization14(Node node, StepContext context)
    {
        if (!node.NormalizesByBatch())
            return;
        for (int i = node.Outputs.Count - 1; i > 0; i--)
        {
            if (node.Output(i) is { IsUnused: false } read)
                throw context.Impossible(node, $"it is in training form and its statistics '{read.Name}' are read, which are defined differently now; export the model for inference");
        }
        node.SetAttribute("training_mode", 1);
        for (int i = node.Outputs.Count - 1; i > 2; i--)
            node.DropOutput(i);
        // In training form running mean and variance are required outputs.
        if (node.Outputs.Count < 3 || node.Outputs.Take(3).Contains(null))
            throw context.Impossible(node, "it is in training form without outputs for its running statistics; export the model for inference");
    }

    /// <summary>Version 7 of Dropout: always inference.</summary>
    public static void Dropout7(Node node, StepContext context)
    {
        if (node.Int("is_test", 0) == 0)
            throw context.Impossible(node, "it is in training form (is_test is 0 or absent); export the model for inference");
        node.RemoveAttribute("is_test");
    }

    /// <summary>Version 10 of Dropout: the mask became bool; in inference it was not defined before.</summary>
    public static void Dropout10(Node node, StepContext context) => DropUnread(node, 1, context);

    /// <summary>Version 21 of GroupNormalization: scale and bias a channel; before, a group.</summary>
    public static void GroupNormalization21(Node node, StepContext context)
    {
        context.RequireLiteral(node, "num_groups");
        if (node.Input(0) is not { } x || node.Input(1) is not { } scale || node.Input(2) is not { } bias || node.Int("num_groups") is not { } groups)
            throw context.Impossible(node, "it lacks an input or the attribute 'num_groups'");
        Graph graph = node.Graph;
        Value groupCount = context.Constant(node, StepContext.Hint(node, "groups"), Tensor.Vector(groups));
        Value one = context.Constant(node, StepContext.Hint(node, "axis"), Tensor.Vector(1L));
        Value flat = context.Constant(node, StepContext.Hint(node, "flat"), Tensor.Vector(-1L));
        Value channels = graph.InsertBefore(node, "Shape", [x], [StepContext.Hint(node, "channels")], [new("start", 1), new("end", 2)]).Outputs[0]!;
        Value each = graph.InsertBefore(node, "Div", [channels, groupCount], [StepContext.Hint(node, "group_size")]).Outputs[0]!;
        Value shape = graph.InsertBefore(node, "Concat", [groupCount, each], [StepContext.Hint(node, "group_shape")], [new("axis", 0)]).Outputs[0]!;
        node.SetInput(1, PerChannel(scale, "scale"));
        node.SetInput(2, PerChannel(bias, "bias"));

        Value PerChannel(Value perGroup, string name)
        {
            Value column = graph.InsertBefore(node, "Unsqueeze", [perGroup, one], [StepContext.Hint(node, $"{name}_column")]).Outputs[0]!;
            Value table = graph.InsertBefore(node, "Expand", [column, shape], [StepContext.Hint(node, $"{name}_table")]).Outputs[0]!;
            return graph.InsertBefore(node, "Reshape", [table, flat], [StepContext.Hint(node, name)]).Outputs[0]!;
        }
    }

    private static void DropUnread(Node node, int output, StepContext context)
    {
        if (node.Output(output) is null)
            return;
        if (node.Output(output) is { IsUnused: false } read)
            throw context.Impossible(node, $"its output '{read.Name}' is read, which is not defined in inference; remove what reads it");
        node.DropOutput(output);
    }
}
