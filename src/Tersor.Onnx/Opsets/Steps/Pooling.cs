namespace Tersor.Onnx.Opsets.Steps;

/// <summary>Pooling at the border.</summary>
internal static class Pooling
{
    /// <summary>Version 19 of AveragePool: where ceil_mode lets a window reach beyond the padded input, what lies beyond no longer counts.</summary>
    public static void AveragePool19(Node node, StepContext context)
    {
        context.RequireLiteral(node, "ceil_mode", "count_include_pad");
        if (node.Int("ceil_mode", 0) != 0 && node.Int("count_include_pad", 0) != 0)
            throw context.Impossible(node, "with ceil_mode and count_include_pad, windows at the border are divided by another count; pad with a Pad node and set both to 0");
    }
}
