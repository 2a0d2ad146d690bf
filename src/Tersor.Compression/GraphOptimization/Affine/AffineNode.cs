using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>A node that computes s · x + t with constant s and t: Mul, Add, Sub, Div, or BatchNormalization at inference.</summary>
/// <param name="Node">The node.</param>
/// <param name="Input">x.</param>
/// <param name="Scale">s, by the constant's shape; one element when s is the same everywhere.</param>
/// <param name="Shift">t, in the same form.</param>
internal sealed record AffineNode(Node Node, Value Input, Coefficients Scale, Coefficients Shift)
{
    public bool Shifts => Shift.Values.Any(t => t != 0);

    /// <summary>Reads a node as s · x + t.</summary>
    /// <param name="node">Any node.</param>
    /// <param name="reason">Why it is none although its operator could be; null where the operator could not.</param>
    public static AffineNode? Of(Node node, out string? reason)
    {
        reason = null;
        if (!node.IsStandard || node.Output(0) is not { } output)
            return null;
        if (node.OpType == "BatchNormalization")
            return Normalization(node, out reason);
        if (node.OpType is not ("Mul" or "Add" or "Sub" or "Div") || node.Inputs.Count != 2)
            return null;
        int index = node.Input(1)?.Constant is not null ? 1 : node.Input(0)?.Constant is not null ? 0 : -1;
        if (index < 0 || node.Input(1 - index) is not { Constant: null } input)
            return null; // both vary, or both are constant: nothing to fold here
        Tensor constant = node.Input(index)!.Constant!;
        if (constant.Type is not (ElementType.Float32 or ElementType.Float64))
        {
            reason = constant.Type.IsFloat() ? $"computes in {constant.Type}" : null;
            return null;
        }
        if (node.OpsetVersion < 7 && node.Int("broadcast", 0) == 1 && node.Int("axis") is not null)
        {
            reason = "broadcasts from an axis, as operator set 6 did";
            return null;
        }
        if (index == 0 && node.OpType == "Div")
        {
            reason = "divides a constant by its input";
            return null;
        }
        Coefficients c = Coefficients.Of(constant), one = Coefficients.Scalar(1), zero = Coefficients.Scalar(0);
        (Coefficients scale, Coefficients shift) = node.OpType switch
        {
            "Mul" => (c, zero),
            "Div" => (c.Map(v => 1 / v), zero),
            "Add" => (one, c),
            _ when index == 1 => (one, c.Map(v => -v)),
            _ => (Coefficients.Scalar(-1), c),
        };
        if (scale.Values.Concat(shift.Values).All(double.IsFinite))
            return new(node, input, scale, shift);
        reason = "its constants are not all finite";
        return null;
    }

    private static AffineNode? Normalization(Node node, out string? reason)
    {
        reason = null;
        Tensor?[] constants = [.. Enumerable.Range(1, 4).Select(i => node.Input(i)?.Constant)];
        reason = node.NormalizesByBatch() ? "normalizes by the batch, as in training"
            : node.OpsetVersion < 9 && node.Int("spatial", 1) == 0 ? "normalizes every position by itself"
            : node.Outputs.Skip(1).Any(o => o is { IsUnused: false }) ? "its statistics are read"
            : node.Input(0) is null || constants.Any(c => c is null) ? "its parameters are not constant"
            : constants.Any(c => c!.Type is not (ElementType.Float32 or ElementType.Float64) || c.Rank != 1 || c.Length != constants[0]!.Length) ? "its parameters are not float32 or float64 vectors of one length"
            : null;
        if (reason is not null)
            return null;
        double[] gamma = constants[0]!.ToDoubles(), beta = constants[1]!.ToDoubles(), mean = constants[2]!.ToDoubles(), variance = constants[3]!.ToDoubles();
        double epsilon = node.Float("epsilon", 1e-5f);
        double[] scale = new double[gamma.Length], shift = new double[gamma.Length];
        for (int c = 0; c < scale.Length; c++)
        {
            scale[c] = gamma[c] / Math.Sqrt(variance[c] + epsilon);
            shift[c] = beta[c] - mean[c] * scale[c];
        }
        if (scale.Concat(shift).All(double.IsFinite))
            return new(node, node.Input(0)!, Coefficients.Channels(scale), Coefficients.Channels(shift));
        reason = "its parameters give scales that are not finite";
        return null;
    }
}
