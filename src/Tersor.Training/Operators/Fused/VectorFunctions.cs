using System.Numerics;
using System.Runtime.CompilerServices;

namespace Tersor.Training.Operators.Fused;

/// <summary>Functions of several numbers at once in single precision, as exact as single precision is but for a few last bits.</summary>
/// <remarks>Polynomials and the splitting of ln 2: Moshier, "Methods and Programs for Mathematical Functions" (Cephes), expf and tanhf.</remarks>
internal static class VectorFunctions
{
    /// <summary>Beyond it e^x is no normal number of single precision.</summary>
    private const float ExpLimit = 87;

    /// <summary>Up to there tanh is a polynomial; beyond, subtracting from 1 loses nothing.</summary>
    private const float SmallTanh = 0.625f;

    private const float Ln2High = 0.693359375f, Ln2Low = -2.12194440e-4f, Log2E = 1.44269504f;

    private const int ExponentBias = 127, FractionBits = 23;

    /// <summary>e^x for −87 ≤ x ≤ 87; beyond, what it is there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Exp(Vector<float> x)
    {
        x = Vector.MinNative(new(ExpLimit), Vector.MaxNative(new(-ExpLimit), x)); // in that order NaN stays NaN
        Vector<float> n = Vector.Round(x * Log2E);
        Vector<float> r = Fma(n, new(-Ln2Low), Fma(n, new(-Ln2High), x));
        Vector<float> p = Fma(new(1.9875691500e-4f), r, new(1.3981999507e-3f));
        p = Fma(p, r, new(8.3334519073e-3f));
        p = Fma(p, r, new(4.1665795894e-2f));
        p = Fma(p, r, new(1.6666665459e-1f));
        p = Fma(p, r, new(5.0000001201e-1f));
        Vector<float> scale = Vector.AsVectorSingle(Vector.ShiftLeft(Vector.ConvertToInt32Native(n) + new Vector<int>(ExponentBias), FractionBits));
        return (Fma(p, r * r, r) + Vector<float>.One) * scale;
    }

    /// <summary>1 / (1 + e^−x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Sigmoid(Vector<float> x) => Vector<float>.One / (Vector<float>.One + Exp(-x));

    /// <summary>The hyperbolic tangent.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Tanh(Vector<float> x)
    {
        Vector<float> size = Vector.Abs(x), square = x * x;
        Vector<float> p = Fma(new(-5.70498872745e-3f), square, new(2.06390887954e-2f));
        p = Fma(p, square, new(-5.37397155531e-2f));
        p = Fma(p, square, new(1.33314422036e-1f));
        p = Fma(p, square, new(-3.33332819422e-1f));
        Vector<float> small = Fma(p * square, x, x), large = Vector.CopySign(Vector<float>.One - new Vector<float>(2) / (Exp(size + size) + Vector<float>.One), x);
        return Vector.ConditionalSelect(Vector.LessThan(size, new Vector<float>(SmallTanh)), small, large);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Fma(Vector<float> a, Vector<float> b, Vector<float> c) => Vector.FusedMultiplyAdd(a, b, c);
}
