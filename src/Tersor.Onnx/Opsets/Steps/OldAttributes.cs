namespace Tersor.Onnx.Opsets.Steps;

/// <summary>Attributes that went, got another name or type, or whose default changed.</summary>
internal static class OldAttributes
{
    /// <summary>Version 6 of many operators: the hint which inputs may be overwritten went.</summary>
    public static void DropConsumedInputs(Node node, StepContext context) => node.RemoveAttribute("consumed_inputs");

    /// <summary>Version 7 of RNN, LSTM, GRU: the full sequence is given out where it is named as an output.</summary>
    public static void DropOutputSequence(Node node, StepContext context) => node.RemoveAttribute("output_sequence");

    /// <summary>Version 2 of LpPool and GlobalLpPool: p is an integer.</summary>
    public static void RoundExponent(Node node, StepContext context)
    {
        context.RequireLiteral(node, "p");
        float p = node.Float("p", 2);
        if (p != MathF.Round(p))
            throw context.Impossible(node, $"its exponent p is {p}, and only integers remain; expected an integer");
        node.SetAttribute("p", (long)p);
    }

    /// <summary>Version 6 of Cast: the target is a number instead of a name.</summary>
    public static void NumberCastTarget(Node node, StepContext context)
    {
        if (node.Text("to") is not { } name)
            return; // files of that time already used the number
        ElementType type = name.ToUpperInvariant() switch
        {
            "FLOAT" => ElementType.Float32,
            "FLOAT16" => ElementType.Float16,
            "DOUBLE" => ElementType.Float64,
            "UINT8" => ElementType.UInt8,
            "INT8" => ElementType.Int8,
            "UINT16" => ElementType.UInt16,
            "INT16" => ElementType.Int16,
            "UINT32" => ElementType.UInt32,
            "INT32" => ElementType.Int32,
            "UINT64" => ElementType.UInt64,
            "INT64" => ElementType.Int64,
            "BOOL" => ElementType.Bool,
            "STRING" => ElementType.String,
            "COMPLEX64" => ElementType.Complex64,
            "COMPLEX128" => ElementType.Complex128,
            _ => throw context.Impossible(node, $"its target type is '{name}'; expected the name of an ONNX element type such as FLOAT or INT64"),
        };
        node.SetAttribute("to", (long)type);
    }

    /// <summary>Version 4 of Concat: the axis, 1 unless stated, must be stated.</summary>
    public static void StateConcatAxis(Node node, StepContext context)
    {
        if (!node.Attributes.ContainsKey("axis"))
            node.SetAttribute("axis", 1);
    }

    /// <summary>Version 2 of Pad.</summary>
    public static void RenamePaddings(Node node, StepContext context)
    {
        if (!node.Attributes.TryGetValue("paddings", out NodeAttribute? pads))
            return;
        node.RemoveAttribute("paddings");
        node.SetAttribute("pads", pads);
    }

    /// <summary>Version 6 of Selu: the defaults got more digits.</summary>
    public static void StateSeluNumbers(Node node, StepContext context)
    {
        DropConsumedInputs(node, context);
        if (!node.Attributes.ContainsKey("alpha"))
            node.SetAttribute("alpha", 1.6732f);
        if (!node.Attributes.ContainsKey("gamma"))
            node.SetAttribute("gamma", 1.0507f);
    }

    /// <summary>Version 16 of RoiAlign: half_pixel became the default; before, no half pixel was subtracted.</summary>
    public static void StateRoiAlignMode(Node node, StepContext context)
    {
        if (!node.Attributes.ContainsKey("coordinate_transformation_mode"))
            node.SetAttribute("coordinate_transformation_mode", "output_half_pixel");
    }

    /// <summary>Version 20 of GridSample: bilinear → linear, bicubic → cubic.</summary>
    public static void RenameGridSampleMode(Node node, StepContext context)
    {
        context.RequireLiteral(node, "mode");
        switch (node.Text("mode"))
        {
            case null or "bilinear":
                node.SetAttribute("mode", "linear");
                break;
            case "bicubic":
                node.SetAttribute("mode", "cubic");
                break;
        }
    }

    /// <summary>Version 11: Scatter is called ScatterElements.</summary>
    public static void RenameScatter(Node node, StepContext context) => context.Replace(node, "ScatterElements", [.. node.Inputs], node.Attributes);
}
