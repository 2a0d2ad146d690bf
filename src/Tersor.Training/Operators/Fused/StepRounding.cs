using System.Numerics;

namespace Tersor.Training.Operators.Fused;

/// <summary>The arithmetic of <see cref="FakeQuantization"/>: one pass over memory forward, one back.</summary>
/// <param name="Least">Least integer, from the one that stands for 0.0.</param>
/// <param name="Greatest">Greatest integer, from the one that stands for 0.0.</param>
/// <param name="Axis">The axis that has scales of its own; −1: one scale for all.</param>
internal sealed record StepRounding(float Least, float Greatest, int Axis)
{
    /// <summary>Numbers that are summed in single precision before they are added up in double.</summary>
    private const int Block = 4096;

    /// <summary>How many numbers in a row share a scale.</summary>
    public int Inner(long[] shape) => (int)(Axis < 0 ? Steps.Product(shape) : Steps.Product(shape[(Axis + 1)..]));

    /// <summary>clamp(round(x / scale)) · scale.</summary>
    public void Round(ReadOnlySpan<float> x, ReadOnlySpan<float> scales, Span<float> result, int inner)
    {
        for (int start = 0, channel = 0; start < x.Length; start += inner, channel = channel + 1 == scales.Length ? 0 : channel + 1)
            Round(x.Slice(start, inner), scales[channel], result.Slice(start, inner));
    }

    /// <summary>Gradients of what came in, from that of the result.</summary>
    public void Back(ReadOnlySpan<float> gradient, ReadOnlySpan<float> x, ReadOnlySpan<float> scales, Span<float> ofX, Span<float> ofScales, int inner)
    {
        double[] sums = new double[scales.Length];
        for (int start = 0, channel = 0; start < x.Length; start += inner, channel = channel + 1 == scales.Length ? 0 : channel + 1)
        {
            for (int block = start; block < start + inner; block += Block)
            {
                int count = Math.Min(Block, start + inner - block);
                sums[channel] += Back(gradient.Slice(block, count), x.Slice(block, count), scales[channel], ofX.Slice(block, count));
            }
        }
        for (int i = 0; i < sums.Length; i++)
            ofScales[i] = (float)sums[i];
    }

    private void Round(ReadOnlySpan<float> x, float scale, Span<float> result)
    {
        Vector<float> least = new(Least), greatest = new(Greatest), step = new(scale);
        int i = 0;
        for (; i <= x.Length - Vector<float>.Count; i += Vector<float>.Count)
            (Vector.Clamp(Vector.Round(new Vector<float>(x[i..]) / step), least, greatest) * step).CopyTo(result[i..]);
        for (; i < x.Length; i++)
            result[i] = Math.Clamp(MathF.Round(x[i] / scale), Least, Greatest) * scale;
    }

    private float Back(ReadOnlySpan<float> gradient, ReadOnlySpan<float> x, float scale, Span<float> ofX)
    {
        Vector<float> least = new(Least), greatest = new(Greatest), step = new(scale), sum = Vector<float>.Zero;
        int i = 0;
        for (; i <= x.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<float> g = new(gradient[i..]), v = new Vector<float>(x[i..]) / step, within = Vector.Clamp(v, least, greatest);
            Vector<int> passes = Vector.Equals(v, within);
            Vector.ConditionalSelect(passes, g, Vector<float>.Zero).CopyTo(ofX[i..]);
            sum += g * (Vector.Round(within) - Vector.ConditionalSelect(passes, v, Vector<float>.Zero));
        }
        float total = Vector.Sum(sum);
        for (; i < x.Length; i++)
        {
            float v = x[i] / scale, within = Math.Clamp(v, Least, Greatest);
            ofX[i] = v == within ? gradient[i] : 0;
            total += gradient[i] * (MathF.Round(within) - (v == within ? v : 0));
        }
        return total;
    }
}
