using Tersor.Compression.GraphOptimization;
using Tersor.Onnx;

namespace Tersor.Compression.Quantization.Placement;

/// <summary>Scale · x + Shift with two numbers, Scale positive: what 8-bit values express by another scale and zero point.</summary>
/// <param name="Input">x.</param>
/// <param name="Scale">Positive and finite.</param>
/// <param name="Shift">Finite.</param>
internal sealed record ScalarAffine(Value Input, double Scale, double Shift)
{
    /// <summary>Reads a node as one; null when it is none or its constant would add dimensions.</summary>
    public static ScalarAffine? Of(Node node, Func<Value, OnnxType?> typeOf)
    {
        if (AffineNode.Of(node, out _) is not { Scale.Values: [> 0 and var scale], Shift.Values: [var shift] } affine || affine.Scale.ByChannel || !double.IsNormal(scale))
            return null;
        int rank = (typeOf(affine.Input) as OnnxType.Tensor)?.Shape?.Length ?? 0;
        return affine.Scale.Shape.Length > rank || affine.Shift.Shape.Length > rank ? null : new(affine.Input, scale, shift);
    }
}
