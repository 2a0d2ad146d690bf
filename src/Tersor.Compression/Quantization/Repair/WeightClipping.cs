using System.Numerics.Tensors;
using System.Runtime.Intrinsics;
using Tersor.Compression.Numerics;

namespace Tersor.Compression.Quantization.Repair;

/// <summary>Scales of symmetric integers with the least squared error: large weights may be clipped so that the others are met more exactly.</summary>
/// <remarks>Every candidate is tried, from the scale that clips nothing down. Source: the search of Nagel et al. 2021, arXiv:2106.08295, section 3.1, "mean squared error"; with weights
/// by the second moments of the inputs it is the expected squared error of the layer's output, cross terms left out.</remarks>
public static class WeightClipping
{
    /// <summary>Candidates between <see cref="Smallest"/> and the scale that clips nothing.</summary>
    private const int Steps = 80;

    private const double Smallest = 0.2;

    /// <summary>Fixed, not the processor's width: which numbers are added together decides the last bits.</summary>
    private const int Lanes = 8;

    /// <summary>One scale for each row, or one for all rows.</summary>
    /// <param name="rows">Row-major, [outputs, inputs].</param>
    /// <param name="inputs">Elements of a row.</param>
    /// <param name="limit">Largest magnitude of the integers: 127, 63, 7 ...</param>
    /// <param name="perTensor">One scale for all.</param>
    /// <param name="importance">A weight for each element, as <paramref name="rows"/>; empty: all the same.</param>
    public static float[] Scales(ReadOnlySpan<float> rows, int inputs, int limit, bool perTensor, ReadOnlySpan<float> importance = default)
    {
        if (perTensor)
            return [Best(rows, importance, limit)];
        float[] scales = new float[rows.Length / inputs];
        for (int r = 0; r < scales.Length; r++)
            scales[r] = Best(rows.Slice(r * inputs, inputs), importance.IsEmpty ? default : importance.Slice(r * inputs, inputs), limit);
        return scales;
    }

    /// <summary>Squared error of one scale: Σ importance · (w − scale · clamp(round(w / scale), −limit, limit))².</summary>
    public static double Error(ReadOnlySpan<float> values, ReadOnlySpan<float> importance, float scale, int limit)
    {
        double sum = 0;
        int done = 0;
        Vector256<float> step = Vector256.Create(scale), high = Vector256.Create((float)limit), low = Vector256.Create((float)-limit);
        // Blocks, so that single precision adds few numbers before double takes over.
        while (values.Length - done >= Lanes)
        {
            int end = Math.Min(values.Length, done + 4096);
            Vector256<float> partial = default;
            for (; end - done >= Lanes; done += Lanes)
            {
                Vector256<float> w = Vector256.Create(values[done..]), q = Vector256.Max(low, Vector256.Min(high, Vector256.Round(w / step)));
                Vector256<float> e = w - q * step;
                partial += importance.IsEmpty ? e * e : e * e * Vector256.Create(importance[done..]);
            }
            sum += OrderedSum.Total(partial);
        }
        for (; done < values.Length; done++)
        {
            float e = values[done] - Math.Clamp(MathF.Round(values[done] / scale, MidpointRounding.ToEven), -limit, limit) * scale;
            sum += (double)e * e * (importance.IsEmpty ? 1 : importance[done]);
        }
        return sum;
    }

    private static float Best(ReadOnlySpan<float> values, ReadOnlySpan<float> importance, int limit)
    {
        float full = MathF.Abs(TensorPrimitives.MaxMagnitude(values)) / limit;
        if (!float.IsNormal(full))
            return 1;
        (float best, double least) = (full, Error(values, importance, full, limit));
        for (int i = 1; i <= Steps; i++)
        {
            float scale = (float)(full * (1 - (1 - Smallest) * i / Steps));
            if (!float.IsNormal(scale))
                break;
            double error = Error(values, importance, scale, limit);
            if (error < least)
                (best, least) = (scale, error);
        }
        return best;
    }
}
