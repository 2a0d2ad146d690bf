using Tersor.Onnx;

namespace Tersor.Compression.Quantization;

/// <summary>How 8-bit weights treat constraint tags: symmetric integers keep zeros, and so masks and N:M patterns; they keep nothing else.</summary>
internal static class WeightConstraints
{
    /// <summary>Why a weight's constraints forbid quantizing it, or null when they do not.</summary>
    public static string? Reason(Value weight)
    {
        string[] broken = [.. weight.Constraints.Where(c => c is not (Constraint.Mask or Constraint.NOfM)).Select(c => c.GetType().Name)];
        return broken.Length == 0 ? null : $"it is constrained ({string.Join(", ", broken)})";
    }

    /// <summary>Tags the integers as the weight was tagged.</summary>
    public static void Pass(Value weight, Value integers)
    {
        foreach (Constraint constraint in weight.Constraints.Where(c => !integers.Constraints.Contains(c)))
            integers.Constraints.Add(constraint);
    }
}
