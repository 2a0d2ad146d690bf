using static TorchSharp.torch;

namespace Tersor.Training.Operators;

/// <summary>Comparisons, truth values and bits. Nothing here has a gradient.</summary>
internal static class Logic
{
    public static IEnumerable<OperatorRow> Rows =>
    [
        .. Binary.Rows("And", logical_and),
        .. Binary.Rows("Or", logical_or),
        .. Binary.Rows("Xor", logical_xor),
        .. Binary.Rows("Equal", eq),
        .. Binary.Rows("Greater", gt),
        .. Binary.Rows("Less", lt),
        new("GreaterOrEqual", 12, c => ge(c[0], c[1])),
        new("LessOrEqual", 12, c => le(c[0], c[1])),
        new("Not", 1, c => c[0].logical_not()),
        new("IsNaN", 9, c => c[0].isnan()),
        new("IsInf", 10, c => (c.Node.Int("detect_negative", 1) != 0, c.Node.Int("detect_positive", 1) != 0) switch
        {
            (true, true) => c[0].isinf(),
            (true, false) => c[0].isneginf(),
            (false, true) => c[0].isposinf(),
            _ => zeros_like(c[0], ScalarType.Bool),
        }),
        new("BitShift", 11, c => Binary.Wrapped(c, c.Node.Text("direction") == "LEFT" ? c[0].bitwise_left_shift(c[1]) : c[0].bitwise_right_shift(c[1]))),
        new("BitwiseAnd", 18, c => c[0].bitwise_and(c[1])),
        new("BitwiseOr", 18, c => c[0].bitwise_or(c[1])),
        new("BitwiseXor", 18, c => c[0].bitwise_xor(c[1])),
        new("BitwiseNot", 18, c => Binary.Wrapped(c, c[0].bitwise_not())),
    ];
}
