using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Constants of one element, and the operators that apply one to a value without changing its shape.</summary>
internal static class Scalars
{
    /// <summary>The single-precision number a value always holds, where using it beside <paramref name="other"/> leaves that one's shape as it is; null elsewhere.</summary>
    public static double? Of(Value? value, Value? other, TypeFacts types) =>
        value?.Constant is { Length: 1, Type: ElementType.Float32 } constant && other is { Constant: null } && (constant.Rank == 0 || constant.Rank <= types.Rank(other))
            ? constant.Span<float>()[0] : null;

    /// <summary>Reads a node as a · x + b with numbers a and b: Mul, Div, Add, Sub, Neg. A constant divided by x is none.</summary>
    public static (Value Input, double A, double B)? Line(Node node, TypeFacts types)
    {
        if (!node.IsStandard || node.Input(0) is not { } left)
            return null;
        if (node.OpType == "Neg")
            return types.Element(left) is ElementType.Float32 ? (left, -1, 0) : null;
        if (node.OpType is not ("Mul" or "Div" or "Add" or "Sub") || node.OpsetVersion < 7 || node.Input(1) is not { } right)
            return null;
        if (Of(right, left, types) is { } c)
        {
            return node.OpType switch
            {
                "Mul" => (left, c, 0),
                "Div" => c == 0 ? null : (left, 1 / c, 0),
                "Add" => (left, 1, c),
                _ => (left, 1, -c),
            };
        }
        if (Of(left, right, types) is not { } d)
            return null;
        return node.OpType switch
        {
            "Mul" => (right, d, 0),
            "Add" => (right, 1, d),
            "Sub" => (right, -1, d),
            _ => null,
        };
    }

    /// <summary>The bounds of a Clip, Relu, or Min or Max with one number; null when the node is none, or its bounds are not constant numbers.</summary>
    public static (Value Input, double Low, double High)? Bounds(Node node, TypeFacts types)
    {
        if (!node.IsStandard || node.Input(0) is not { } input)
            return null;
        switch (node.OpType)
        {
            case "Relu":
                return (input, 0, double.PositiveInfinity);
            case "Clip" when node.OpsetVersion < 11:
                return (input, node.Attributes.ContainsKey("min") ? node.Float("min", 0) : double.NegativeInfinity, node.Attributes.ContainsKey("max") ? node.Float("max", 0) : double.PositiveInfinity);
            case "Clip":
                // Bounds have no dimensions and cannot widen anything.
                double? low = node.Input(1) is { } min ? Number(min) : double.NegativeInfinity, high = node.Input(2) is { } max ? Number(max) : double.PositiveInfinity;
                return low is null || high is null ? null : (input, low.Value, high.Value);
            case "Min" or "Max" when node.Inputs.Count == 2 && node.OpsetVersion >= 8:
                Value other = node.Inputs[1]!;
                (Value Value, double Number)? operands = Of(other, input, types) is { } right ? (input, right) : Of(input, other, types) is { } left ? (other, left) : null;
                return operands is null ? null
                    : node.OpType == "Min" ? (operands.Value.Value, double.NegativeInfinity, operands.Value.Number) : (operands.Value.Value, operands.Value.Number, double.PositiveInfinity);
            default:
                return null;
        }

        static double? Number(Value value) => value.Constant is { Length: 1, Type: ElementType.Float32 } constant ? constant.Span<float>()[0] : null;
    }

    /// <summary>Equal but for the rounding of a constant written with six or seven digits.</summary>
    public static bool Near(double value, double expected) => Math.Abs(value - expected) <= 1e-6 * Math.Max(1e-3, Math.Abs(expected));
}
