using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>HardSwish and HardSigmoid in whatever way they are written: with Clip, Relu6, Min and Max, divided or multiplied, before or after.</summary>
/// <remarks>HardSwish(x) = x · clamp(x / 6 + 1 / 2, 0, 1). Source: Howard et al. 2019, arXiv:1905.02244, section 5.2.</remarks>
internal static class HardPatterns
{
    /// <summary>The first operator set with HardSwish.</summary>
    private const long HardSwishOpset = 14;

    /// <summary>A product of a line through 0 and a clamped line of the same value.</summary>
    public static IEnumerable<PatternMatch> HardSwish(Node root, TypeFacts types)
    {
        if (!root.Is("Mul", "Div") || Factors.Of(root, types) is not { Values.Count: 2 } product)
            yield break;
        for (int i = 0; i < 2; i++)
        {
            foreach (ClampedLine gate in ClampedLine.Readings(product.Values[i], types).Where(r => r.IsClamped))
            {
                // gate = high · clamp(a / high · x + b / high, 0, 1)
                if (!(gate.High > 0) || double.IsInfinity(gate.High) || !Scalars.Near(gate.Low / gate.High, 0) || !Scalars.Near(gate.A / gate.High, 1.0 / 6) || !Scalars.Near(gate.B / gate.High, 0.5))
                    continue;
                if (ClampedLine.Readings(product.Values[1 - i], types).FirstOrDefault(r => ReferenceEquals(r.X, gate.X)) is not { IsClamped: false, B: 0 } factor)
                    continue;
                double scale = product.Scale * factor.A * gate.High;
                bool isOperator = root.OpsetVersion >= HardSwishOpset;
                yield return new("HardSwish", root, gate.X, 1, (isOperator ? 1 : 2) + (Scalars.Near(scale, 1) ? 0 : 1), before => before.Scaled(isOperator
                    ? before.Put("HardSwish", [gate.X])
                    : before.Put("Mul", [gate.X, before.Put("HardSigmoid", [gate.X], ("alpha", (float)(1.0 / 6)), ("beta", 0.5f))]), scale));
            }
        }
    }

    /// <summary>A line clamped to 0..1.</summary>
    public static IEnumerable<PatternMatch> HardSigmoid(Node root, TypeFacts types)
    {
        if (!root.Is("Clip", "Relu", "Min", "Max", "Mul", "Div", "Add", "Sub", "Neg") || root.Output(0) is not { } output)
            yield break;
        // The longest first: it takes the most nodes away.
        foreach (ClampedLine line in ClampedLine.Readings(output, types).Reverse())
        {
            if (line.IsClamped && line.A != 0 && Scalars.Near(line.Low, 0) && Scalars.Near(line.High, 1))
                yield return new("HardSigmoid", root, line.X, 1, 1, before => before.Put("HardSigmoid", [line.X], ("alpha", (float)line.A), ("beta", (float)line.B)));
        }
    }
}
