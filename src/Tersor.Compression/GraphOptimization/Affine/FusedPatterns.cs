using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Scales and shifts that belong to an activation or normalization written out in small nodes. Engines, and later passes, recognize those as a whole: folding one of their nodes away would cost more than it saves.</summary>
internal static class FusedPatterns
{
    /// <summary>What the node is a part of, or null.</summary>
    public static string? Part(AffineNode affine)
    {
        if (affine.Node.OpType == "BatchNormalization" || affine.Input.Producer is not { IsStandard: true } producer)
            return null;
        // x · clip(x + 3, 0, 6) / 6 and 0.5 · x · (1 + erf(x / √2)): the constant comes last.
        double scale = affine.Scale.Values[0];
        if (affine.Scale.Values.Length == 1 && !affine.Shifts && IsVariable(producer, "Mul") && !IsGated(producer) && (Near(scale, 1.0 / 6) || Near(scale, 0.5)))
            return "ends a HardSwish or GELU";
        // (x - mean) / deviation · gamma + beta
        if (IsVariable(producer, "Div"))
            return "scales a normalization";
        return affine.Shifts && AffineNode.Of(producer, out _) is { Node.OpType: "Mul" } gamma && gamma.Input.Producer is { } division && IsVariable(division, "Div")
            ? "shifts a normalization" : null;
    }

    private static bool IsVariable(Node node, string opType) => node.Is(opType) && node.Inputs.All(i => i is { Constant: null });

    /// <summary>x times a gate that is an operator already: nothing is missing from it.</summary>
    private static bool IsGated(Node node) => node.Inputs.Any(i => i?.Producer?.Is("HardSigmoid", "Sigmoid") == true);

    private static bool Near(double value, double expected) => Math.Abs(value - expected) < 1e-6;
}
