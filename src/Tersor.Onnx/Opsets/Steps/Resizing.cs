namespace Tersor.Onnx.Opsets.Steps;

/// <summary>Upsample and Resize: scales moved from attributes to an input, Upsample became Resize, and Resize says how coordinates map.</summary>
internal static class Resizing
{
    /// <summary>Version 7 of Upsample: scales for every axis; before, one for height and one for width of an NCHW image.</summary>
    public static void Upsample7(Node node, StepContext context)
    {
        if (node.Attributes.ContainsKey("scales"))
            return;
        context.RequireLiteral(node, "height_scale", "width_scale");
        node.SetAttribute("scales", new[] { 1f, 1f, node.Float("height_scale", 1), node.Float("width_scale", 1) });
        node.RemoveAttribute("height_scale");
        node.RemoveAttribute("width_scale");
    }

    public static void Upsample9(Node node, StepContext context)
    {
        context.RequireLiteral(node, "scales");
        float[] scales = node.Floats("scales") ?? throw context.Impossible(node, "it has no attribute 'scales'");
        node.RemoveAttribute("scales");
        node.SetInput(1, context.Constant(node, StepContext.Hint(node, "scales"), Tensor.Vector(scales)));
    }

    public static void Upsample10(Node node, StepContext context) =>
        context.MarkEnlarging(context.Replace(node, "Resize", [.. node.Inputs], node.Attributes));

    /// <summary>Version 11 of Resize: x_original = x_resized / scale is called asymmetric, and the rounding of 'nearest' is stated: down when enlarging, up when shrinking.</summary>
    public static void Resize11(Node node, StepContext context)
    {
        context.RequireLiteral(node, "mode");
        if (node.Text("mode") is null or "nearest")
            node.SetAttribute("nearest_mode", context.IsEnlarging(node) ? "floor" : Rounding(node, context));
        node.SetAttribute("coordinate_transformation_mode", "asymmetric");
        Value? scales = node.Input(1);
        node.SetInput(1, context.Constant(node, StepContext.Hint(node, "roi"), Tensor.Vector<float>()));
        node.SetInput(2, scales);
    }

    /// <summary>Version 13 dropped one way to map coordinates.</summary>
    public static void Resize13(Node node, StepContext context)
    {
        context.RequireLiteral(node, "coordinate_transformation_mode");
        if (node.Text("coordinate_transformation_mode") == "tf_half_pixel_for_nn")
            throw context.Impossible(node, "its coordinate_transformation_mode tf_half_pixel_for_nn no longer exists; export the model with another mode");
    }

    private static string Rounding(Node node, StepContext context)
    {
        if (node.Input(1)?.Constant is not { Type: ElementType.Float32 } constant)
            throw context.Impossible(node, "how 'nearest' rounds depends on whether it enlarges, and its scales are computed; make them constant");
        float[] scales = constant.ToFloats();
        bool shrinks = scales.Any(s => s < 1);
        if (shrinks && scales.Any(s => s > 1))
            throw context.Impossible(node, $"it enlarges one axis and shrinks another (scales {string.Join(", ", scales)}), which rounds differently; split it into two nodes");
        return shrinks ? "ceil" : "floor";
    }
}
