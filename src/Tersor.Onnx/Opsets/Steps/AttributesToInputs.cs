using System.Runtime.InteropServices;

namespace Tersor.Onnx.Opsets.Steps;

/// <summary>Operators whose parameters moved from attributes to inputs, so that they can be computed.</summary>
internal static class AttributesToInputs
{
    public static void Clip(Node node, StepContext context)
    {
        context.RequireLiteral(node, "min", "max");
        FloatToInput(node, context, "min", 1);
        FloatToInput(node, context, "max", 2);
    }

    public static void Dft(Node node, StepContext context)
    {
        context.RequireLiteral(node, "axis");
        node.SetInput(2, context.Constant(node, StepContext.Hint(node, "axis"), Tensor.Scalar(node.Int("axis", 1))));
        node.RemoveAttribute("axis");
    }

    public static void Dropout(Node node, StepContext context)
    {
        context.RequireLiteral(node, "ratio");
        if (!node.Attributes.ContainsKey("ratio"))
            return;
        node.SetInput(1, context.Constant(node, StepContext.Hint(node, "ratio"), Tensor.Scalar(node.Float("ratio", 0.5f))));
        node.RemoveAttribute("ratio");
    }

    public static void Pad(Node node, StepContext context)
    {
        context.RequireLiteral(node, "pads", "value");
        context.IntsToInput(node, "pads", 1);
        if (node.Float("value", 0) == 0)
            node.RemoveAttribute("value");
        FloatToInput(node, context, "value", 2);
    }

    public static void Reshape(Node node, StepContext context)
    {
        node.RemoveAttribute("consumed_inputs");
        if (!node.Attributes.ContainsKey("shape") && node.Input(1) is null)
            throw context.Impossible(node, "it has no attribute 'shape'");
        context.IntsToInput(node, "shape", 1);
    }

    public static void Slice(Node node, StepContext context)
    {
        context.IntsToInput(node, "starts", 1);
        context.IntsToInput(node, "ends", 2);
        context.IntsToInput(node, "axes", 3);
    }

    /// <summary>Version 2 takes the sizes from an attribute; before, an input could give them too.</summary>
    public static void Split2(Node node, StepContext context)
    {
        if (!node.Attributes.ContainsKey("axis"))
            throw context.Impossible(node, "it states no axis, and version 1 has no default; add the attribute 'axis'");
        if (node.Input(1) is not { } sizes)
            return;
        if (sizes.Constant is not { } constant || !(constant.Type.IsInteger() || constant.Type.IsFloat()))
            throw context.Impossible(node, $"its sizes '{sizes.Name}' are computed, and version 2 takes constants only; make them constant");
        node.SetAttribute("split", constant.ToDoubles().Select(v => (long)v).ToArray());
        node.SetInput(1, null);
    }

    public static void Split13(Node node, StepContext context) => context.IntsToInput(node, "split", 1);

    /// <summary>Version 18: a split into equal parts says how many, and they need not be equal any more.</summary>
    public static void Split18(Node node, StepContext context)
    {
        if (node.Input(1) is null)
            node.SetAttribute("num_outputs", node.Outputs.Count);
    }

    /// <summary>Version 6: repeats for every axis; before, a count and the axis it applied to.</summary>
    public static void Tile(Node node, StepContext context)
    {
        node.RemoveAttribute("consumed_inputs");
        if (node.Input(0) is not { } x || node.Input(1)?.Constant is not { } tiles || node.Input(2)?.Constant is not { } axis || context.ShapeOf(x)?.Count is not { } rank)
            throw context.Impossible(node, "its count and axis must be constants and the rank of its input known; make them so");
        long[] repeats = [.. Enumerable.Repeat(1L, rank)];
        long at = (long)axis.ToDoubles()[0];
        repeats[at < 0 ? at + rank : at] = (long)tiles.ToDoubles()[0];
        node.TruncateInputs(1);
        node.SetInput(1, context.Constant(node, StepContext.Hint(node, "repeats"), Tensor.Vector(repeats)));
    }

    public static void TopK(Node node, StepContext context)
    {
        context.RequireLiteral(node, "k");
        long k = node.Int("k") ?? throw context.Impossible(node, "it has no attribute 'k'");
        node.RemoveAttribute("k");
        node.SetInput(1, context.Constant(node, StepContext.Hint(node, "k"), Tensor.Vector(k)));
    }

    /// <summary>A float attribute → scalar input of the element type the node computes in.</summary>
    private static void FloatToInput(Node node, StepContext context, string attribute, int index)
    {
        if (!node.Attributes.ContainsKey(attribute))
            return;
        float value = node.Float(attribute, 0);
        node.RemoveAttribute(attribute);
        Tensor scalar = (node.Input(0) is { } x ? context.ElementTypeOf(x) : null) switch
        {
            null or ElementType.Float32 => Tensor.Scalar(value), // engines refuse a wrong guess, they do not compute with it
            ElementType.Float64 => Tensor.Scalar((double)value),
            ElementType.Float16 => Tensor.Scalar((Half)value),
            ElementType.BFloat16 => Tensor.FromBytes(ElementType.BFloat16, [], MemoryMarshal.AsBytes<uint>([BitConverter.SingleToUInt32Bits(value)])[2..].ToArray()),
            { } other => throw context.Impossible(node, $"its input is {other}; expected a float type"),
        };
        node.SetInput(index, context.Constant(node, StepContext.Hint(node, attribute), scalar));
    }
}
