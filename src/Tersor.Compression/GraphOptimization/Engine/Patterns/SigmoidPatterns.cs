using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>1 / (1 + exp(-x)) is Sigmoid, and x / (1 + exp(-x)) is x · Sigmoid(x), which engines compute as one.</summary>
internal static class SigmoidPatterns
{
    /// <summary>A division by 1 + exp(-x).</summary>
    public static IEnumerable<PatternMatch> Sigmoid(Node root, TypeFacts types)
    {
        if (!root.Is("Div", "Reciprocal") || Exponent(root.Input(root.OpType == "Div" ? 1 : 0), types) is not { } x)
            yield break;
        if (root.OpType == "Reciprocal" || Scalars.Of(root.Input(0), root.Input(1), types) == 1)
            yield return new("Sigmoid", root, x, 1, 1, before => before.Put("Sigmoid", [x]));
        else if (ReferenceEquals(root.Input(0), x))
            yield return new("x · Sigmoid(x)", root, x, 1, 2, before => before.Put("Mul", [x, before.Put("Sigmoid", [x])]));
    }

    /// <summary>x where the value is 1 + exp(-x).</summary>
    private static Value? Exponent(Value? value, TypeFacts types) =>
        value?.Producer is { } sum && Scalars.Line(sum, types) is { A: 1, B: 1 } one && one.Input.Producer is { } exp && exp.Is("Exp")
        && exp.Input(0)?.Producer is { } negation && Scalars.Line(negation, types) is { A: -1, B: 0 } negative ? negative.Input : null;
}
