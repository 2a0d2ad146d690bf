using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Compression;

/// <summary>How far two runs of a model on the same samples differ.</summary>
/// <param name="BitEqual">All outputs are equal bit for bit.</param>
/// <param name="Relative">Largest absolute difference of an element, divided by the largest absolute element of the output it belongs to; worst over outputs and samples. 0 when equal, infinite where something else than floating-point elements differs, or types or shapes do.</param>
public sealed record OutputDifference(bool BitEqual, double Relative)
{
    /// <summary>No difference.</summary>
    public static OutputDifference None { get; } = new(true, 0);

    /// <summary>Something that has no measure differs.</summary>
    internal static OutputDifference Incomparable { get; } = new(false, double.PositiveInfinity);

    internal static OutputDifference Worse(OutputDifference a, OutputDifference b) => new(a.BitEqual && b.BitEqual, Math.Max(a.Relative, b.Relative));

    internal static OutputDifference Of(RuntimeValue expected, RuntimeValue actual) => (expected, actual) switch
    {
        (RuntimeValue.Dense a, RuntimeValue.Dense b) => Of(a.Tensor, b.Tensor),
        (RuntimeValue.Sequence a, RuntimeValue.Sequence b) => a.Elements.Count == b.Elements.Count
            ? a.Elements.Zip(b.Elements).Aggregate(None, (worst, pair) => Worse(worst, Of(pair.First, pair.Second))) : Incomparable,
        (RuntimeValue.Map a, RuntimeValue.Map b) => Worse(Of(a.Keys, b.Keys), Of(a.Values, b.Values)),
        (RuntimeValue.Absent, RuntimeValue.Absent) => None,
        _ => Incomparable,
    };

    /// <summary>Compares two tensors. NaN equals NaN, an infinity equals itself.</summary>
    public static OutputDifference Of(Tensor expected, Tensor actual)
    {
        if (expected.ContentEquals(actual))
            return None;
        bool comparable = expected.Type == actual.Type && expected.Shape.AsSpan().SequenceEqual(actual.Shape.AsSpan())
            && expected.Type is ElementType.Float32 or ElementType.Float64 or ElementType.Float16 or ElementType.BFloat16;
        if (!comparable)
            return new(false, double.PositiveInfinity);
        double[] a = expected.ToDoubles(), b = actual.ToDoubles();
        double largest = a.Where(double.IsFinite).Select(Math.Abs).DefaultIfEmpty(0).Max(), difference = 0;
        for (int i = 0; i < a.Length; i++)
        {
            if (a[i].Equals(b[i]) || a[i] == b[i])
                continue;
            difference = double.IsFinite(a[i]) && double.IsFinite(b[i]) ? Math.Max(difference, Math.Abs(a[i] - b[i])) : double.PositiveInfinity;
        }
        return new(false, difference == 0 ? 0 : largest == 0 ? double.PositiveInfinity : difference / largest);
    }
}
