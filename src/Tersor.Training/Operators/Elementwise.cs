using TorchSharp;
using static TorchSharp.torch;

namespace Tersor.Training.Operators;

/// <summary>Arithmetic on elements, with broadcasting as ONNX has it (the same as libtorch's).</summary>
internal static class Elementwise
{
    public static IEnumerable<OperatorRow> Rows =>
    [
        .. Binary.Rows("Add", (a, b) => a + b),
        .. Binary.Rows("Sub", (a, b) => a - b),
        .. Binary.Rows("Mul", (a, b) => a * b),
        .. Binary.Rows("Div", (a, b) => a.is_floating_point() || b.is_floating_point() ? a / b : a.div(b, RoundingMode.trunc)),
        .. Binary.Rows("Pow", Power),
        // The sign of the divisor, except for fmod: that of the dividend.
        new("Mod", 10, c => c.Node.Int("fmod", 0) != 0 ? c[0].fmod(c[1]) : c[0].remainder(c[1])),
        new("Neg", 1, c => c[0].neg()),
        new("Abs", 1, c => c[0].abs()),
        new("Sign", 9, c => c[0].sign()),
        new("Ceil", 1, c => c[0].ceil()),
        new("Floor", 1, c => c[0].floor()),
        new("Round", 11, c => c[0].round()), // half to even
        new("Sqrt", 1, c => c[0].sqrt()),
        new("Reciprocal", 1, c => c[0].reciprocal()),
        new("Exp", 1, c => c[0].exp()),
        new("Log", 1, c => c[0].log()),
        new("Erf", 9, c => c[0].erf()),
        new("Sin", 7, c => c[0].sin()),
        new("Cos", 7, c => c[0].cos()),
        new("Tan", 7, c => c[0].tan()),
        new("Asin", 7, c => c[0].asin()),
        new("Acos", 7, c => c[0].acos()),
        new("Atan", 7, c => c[0].atan()),
        new("Sinh", 9, c => c[0].sinh()),
        new("Cosh", 9, c => c[0].cosh()),
        new("Asinh", 9, c => c[0].asinh()),
        new("Acosh", 9, c => c[0].acosh()),
        new("Atanh", 9, c => c[0].atanh()),
        new("Max", 1, c => Fold(c, maximum)),
        new("Min", 1, c => Fold(c, minimum)),
        new("Sum", 1, c => Fold(c, (a, b) => a + b)),
        new("Mean", 1, c => Fold(c, (a, b) => a + b) / c.Count),
        new("Clip", 1, c => Clip(c[0], c.Node.Attributes.ContainsKey("min") ? c.Node.Float("min", 0) : null, c.Node.Attributes.ContainsKey("max") ? c.Node.Float("max", 0) : null)),
        new("Clip", 11, ClipByInputs),
        new("Identity", 1, c => c.Inputs[0] is TensorSequence sequence ? sequence.Alias() : c.Optional(0)?.alias()),
    ];

    /// <summary>A tensor of its own, even where the function gives its argument back.</summary>
    private static Tensor Fold(OperatorCall call, Func<Tensor, Tensor, Tensor> function) => call.Count == 1 ? call[0].alias() : call.All().Aggregate(function);

    private static Tensor Power(Tensor x, Tensor exponent)
    {
        if (!x.is_floating_point() && exponent.is_floating_point())
            return x.to_type(ScalarType.Float64).pow(exponent).to_type(x.dtype);
        // A fixed exponent has faster special cases, and a simpler gradient.
        if (x.is_floating_point() && exponent.numel() == 1 && exponent.dim() <= x.dim() && !exponent.requires_grad)
            return x.pow(exponent.to_type(ScalarType.Float64).item<double>());
        return x.pow(exponent.dtype == x.dtype ? exponent : exponent.to_type(x.dtype));
    }

    private static OperatorResult ClipByInputs(OperatorCall call)
    {
        Tensor x = call[0];
        Tensor? low = call.Optional(1), high = call.Optional(2);
        if (x.is_floating_point() && low?.requires_grad != true && high?.requires_grad != true)
            return Clip(x, low is null ? null : call.Number(1), high is null ? null : call.Number(2));
        Tensor result = x;
        if (low is not null)
            result = maximum(result, low.to_type(x.dtype));
        if (high is not null)
            result = minimum(result, high.to_type(x.dtype));
        return ReferenceEquals(result, x) ? x.alias() : result;
    }

    private static Tensor Clip(Tensor x, double? low, double? high) => low is null && high is null ? x.alias() : x.clamp(ToScalar(low), ToScalar(high));

    private static Scalar? ToScalar(double? number) => number is { } value ? (Scalar)value : null;
}
