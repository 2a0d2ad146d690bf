using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>1 / (1 + exp(-a x)) is Sigmoid(a x), and x / (1 + exp(-a x)) is x · Sigmoid(a x), which engines compute as one.</summary>
internal static class SigmoidPatterns
{
    /// <summary>A division by 1 + exp(-a x) with a number a.</summary>
    public static IEnumerable<PatternMatch> Sigmoid(Node root, TypeFacts types)
    {
        if (!root.Is("Div", "Reciprocal") || Exponent(root.Input(root.OpType == "Div" ? 1 : 0), types) is not (var x, var a))
            yield break;
        int scales = Scalars.Near(a, 1) ? 0 : 1;
        if (root.OpType == "Reciprocal" || Scalars.Of(root.Input(0), root.Input(1), types) == 1)
            yield return new("Sigmoid", root, x, 1, 1 + scales, before => before.Put("Sigmoid", [before.Scaled(x, a)]));
        else if (ReferenceEquals(root.Input(0), x))
            yield return new("x · Sigmoid(x)", root, x, 1, 2 + scales, before => before.Put("Mul", [x, before.Put("Sigmoid", [before.Scaled(x, a)])]));
    }

    /// <summary>x and a where the value is 1 + exp(-a x).</summary>
    private static (Value X, double A)? Exponent(Value? value, TypeFacts types) =>
        value?.Producer is { } sum && Scalars.Line(sum, types) is { A: 1, B: 1 } one && one.Input.Producer is { } exp && exp.Is("Exp")
        && exp.Input(0)?.Producer is { } negation && Scalars.Line(negation, types) is { B: 0 } negative ? (negative.Input, -negative.A) : null;
}
