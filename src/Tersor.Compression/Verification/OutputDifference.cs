using Tersor.Onnx;

namespace Tersor.Compression;

/// <summary>How far two runs of a model on the same samples differ.</summary>
/// <param name="BitEqual">All outputs are equal bit for bit.</param>
/// <param name="Relative">Largest absolute difference of an element, divided by the largest absolute element of the output it belongs to; worst over outputs and samples. 0 when equal, infinite where something else than floating-point elements differs, or types or shapes do.</param>
public sealed record OutputDifference(bool BitEqual, double Relative)
{
    /// <summary>No difference.</summary>
    public static OutputDifference None { get; } = new(true, 0);

    /// <summary>Compares outputs, sample by sample.</summary>
    public static OutputDifference Of(IReadOnlyList<IReadOnlyDictionary<string, Tensor>> expected, IReadOnlyList<IReadOnlyDictionary<string, Tensor>> actual)
    {
        OutputDifference worst = None;
        for (int i = 0; i < expected.Count; i++)
        {
            foreach ((string name, Tensor tensor) in expected[i])
            {
                OutputDifference one = actual[i].TryGetValue(name, out Tensor? other) ? Of(tensor, other) : new(false, double.PositiveInfinity);
                worst = new(worst.BitEqual && one.BitEqual, Math.Max(worst.Relative, one.Relative));
            }
        }
        return worst;
    }

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
