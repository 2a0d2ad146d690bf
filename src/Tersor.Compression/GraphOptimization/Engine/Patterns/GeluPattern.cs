using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>GELU: x / 2 · (1 + erf(x / √2)), or with tanh(√(2 / π) · (x + 0.044715 · x³)) in place of erf.</summary>
/// <remarks>Source: Hendrycks and Gimpel 2016, arXiv:1606.08415, section 2.</remarks>
internal static class GeluPattern
{
    /// <summary>The first operator set with Gelu.</summary>
    private const long GeluOpset = 20;

    private static readonly double Root = Math.Sqrt(2 / Math.PI);

    /// <summary>A product of x, a number and one more than erf or tanh.</summary>
    public static IEnumerable<PatternMatch> Gelu(Node root, TypeFacts types)
    {
        if (!root.Is("Mul", "Div") || Factors.Of(root, types) is not { Values.Count: 2 } product)
            yield break;
        for (int i = 0; i < 2; i++)
        {
            // scale · (1 + erf(argument)), brackets open or not.
            if (ClampedLine.Readings(product.Values[i], types).FirstOrDefault(r => r.X.Producer?.Is("Erf", "Tanh") == true) is not { IsClamped: false } gate || !Scalars.Near(gate.B / gate.A, 1))
                continue;
            Node function = gate.X.Producer!;
            foreach (ClampedLine factor in ClampedLine.Readings(product.Values[1 - i], types).Where(r => !r.IsClamped && r.B == 0))
            {
                double scale = 2 * product.Scale * factor.A * gate.A;
                if (Scalars.Near(scale, 1) && Polynomial.Of(function.Inputs[0]!, factor.X, types) is { } argument && IsArgument(function.OpType, argument))
                    yield return function.OpType == "Erf" ? Exact(root, factor.X) : Approximate(root, factor.X);
            }
        }
    }

    private static bool IsArgument(string function, double[] p) => p[0] == 0 && p[2] == 0
        && (function == "Erf" ? p[3] == 0 && Scalars.Near(p[1], Math.Sqrt(0.5)) : Scalars.Near(p[1], Root) && Math.Abs(p[3] - 0.044715 * Root) < 1e-6);

    private static PatternMatch Exact(Node root, Value x) => new("Gelu", root, x, GeluOpset, 1, before => before.Put("Gelu", [x]));

    private static PatternMatch Approximate(Node root, Value x) => new("Gelu (tanh)", root, x, GeluOpset, 1, before => before.Put("Gelu", [x], ("approximate", "tanh")));
}
