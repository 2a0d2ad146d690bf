using System.Numerics.Tensors;
using Tersor.Compression.Numerics;

namespace Tersor.Compression.Quantization.Repair;

/// <summary>Integers for the rows of a weight that keep a layer's output, not each weight by itself: the least (w − s q) H (w − s q)ᵀ with H the mean of x xᵀ over the layer's inputs x.</summary>
/// <remarks>
/// The objective is that of Nagel et al. 2020, arXiv:2004.10568, section 3.2 (equation 9), solved without gradients: first one weight after the other, the error of each carried over to those still open
/// (Frantar et al. 2022, arXiv:2210.17323, section 3; in the form of Babai 1986, Combinatorica 6(1), 1-13, on the Cholesky factor of H, which gives the same integers from the last weight to the first
/// without inverting H), then steps of single integers as long as one of them lowers the objective. The second part also starts from rounding to nearest, and the better of the two is kept, so that the result is never worse than that. Both count a damping on the diagonal of H.
/// </remarks>
internal sealed class RoundingProblem
{
    private const int RowBlock = 8;
    private readonly float[] gram;    // H, symmetric; while rounding one by one its lower triangle is the Cholesky factor
    private readonly float[] diagonal;
    private readonly int inputs;
    private readonly int limit;

    /// <param name="gram">H, [inputs, inputs], symmetric. Taken over.</param>
    /// <param name="inputs">Elements of a row.</param>
    /// <param name="limit">Largest magnitude of the integers.</param>
    public RoundingProblem(float[] gram, int inputs, int limit)
    {
        (this.gram, this.inputs, this.limit) = (gram, inputs, limit);
        diagonal = new float[inputs];
        for (int i = 0; i < inputs; i++)
            diagonal[i] = gram[i * inputs + i];
    }

    /// <summary>The mean square of each input.</summary>
    public ReadOnlySpan<float> SecondMoments => diagonal;

    /// <summary>Finds the integers, each as a whole number in single precision.</summary>
    /// <param name="rows">w, row-major, [outputs, inputs]. Zeros stay zero where <paramref name="keepZeros"/> says so.</param>
    /// <param name="scales">s, one for each row.</param>
    /// <param name="damping">Share of the mean of H's diagonal that is added to it before its factors are taken: guards against inputs the samples do not show.</param>
    /// <param name="keepZeros">Weights that are zero are a mask.</param>
    /// <param name="parallel">Threads; the result does not depend on them.</param>
    public float[] Solve(float[] rows, float[] scales, double damping, bool keepZeros, ParallelOptions parallel)
    {
        int outputs = rows.Length / inputs, blocks = (outputs + RowBlock - 1) / RowBlock;
        float[] oneByOne = new float[rows.Length], nearest = new float[rows.Length];
        Factor(damping);
        Parallel.For(0, blocks, parallel, b => RoundOneByOne(rows, scales, keepZeros, b * RowBlock, Math.Min(outputs, (b + 1) * RowBlock), oneByOne));
        Restore();
        // Inputs the samples do not show, and the noise that comes with quantized inputs, count here too: otherwise the steps would trade large errors of single weights against each other.
        float[] undamped = [.. diagonal];
        float added = Damping(undamped, damping);
        SetDiagonal(Array.ConvertAll(undamped, d => d + added));
        Parallel.For(0, blocks, parallel, b =>
        {
            int from = b * RowBlock, to = Math.Min(outputs, from + RowBlock);
            for (int i = from * inputs; i < to * inputs; i++)
                nearest[i] = Nearest(rows[i] / scales[i / inputs]);
            double[] first = Descend(rows, scales, keepZeros, from, to, oneByOne), second = Descend(rows, scales, keepZeros, from, to, nearest);
            for (int r = from; r < to; r++)
            {
                if (second[r - from] < first[r - from])
                    nearest.AsSpan(r * inputs, inputs).CopyTo(oneByOne.AsSpan(r * inputs, inputs));
            }
        });
        SetDiagonal(undamped);
        return oneByOne;
    }

    /// <summary>(w − s q) H (w − s q)ᵀ of each row.</summary>
    /// <param name="rows">w, row-major.</param>
    /// <param name="scales">s, one for each row.</param>
    /// <param name="integers">q, as <paramref name="rows"/>.</param>
    /// <param name="parallel">Threads.</param>
    public double[] Objectives(float[] rows, float[] scales, float[] integers, ParallelOptions parallel)
    {
        double[] objectives = new double[scales.Length];
        Parallel.For(0, (scales.Length + RowBlock - 1) / RowBlock, parallel, b =>
        {
            int from = b * RowBlock, to = Math.Min(scales.Length, from + RowBlock);
            float[] gradients = Gradients(rows, scales, from, to, integers);
            for (int r = from; r < to; r++)
                objectives[r] = Objective(rows.AsSpan(r * inputs, inputs), scales[r], integers.AsSpan(r * inputs, inputs), gradients.AsSpan((r - from) * inputs, inputs));
        });
        return objectives;
    }

    /// <summary>Solves x (H + λI) = b for each row of b, in place, with the factor that <see cref="Factor"/> left.</summary>
    public void SolveRows(float[] rows, double damping, ParallelOptions parallel)
    {
        Factor(damping);
        Parallel.For(0, rows.Length / inputs, parallel, r =>
        {
            Span<float> x = rows.AsSpan(r * inputs, inputs);
            for (int i = 0; i < inputs; i++) // L z = b
                x[i] = (x[i] - OrderedSum.Dot(gram.AsSpan(i * inputs, i), x[..i])) / gram[i * inputs + i];
            for (int i = inputs - 1; i >= 0; i--) // Lᵀ x = z
            {
                x[i] /= gram[i * inputs + i];
                TensorPrimitives.MultiplyAdd(gram.AsSpan(i * inputs, i), -x[i], x[..i], x[..i]);
            }
        });
        Restore();
    }

    private float Nearest(float value) => Math.Clamp(MathF.Round(value, MidpointRounding.ToEven), -limit, limit) + 0f; // no negative zero

    /// <summary>Puts L of H + λI = L Lᵀ into the lower triangle, diagonal included.</summary>
    private void Factor(double damping)
    {
        float added = Damping(diagonal, damping), least = added / 2;
        for (int i = 0; i < inputs; i++)
            gram[i * inputs + i] = diagonal[i] + added;
        for (int from = 0; from < inputs; from += RowBlock)
        {
            // A row that is done serves all rows of the block while it is in the cache.
            int to = Math.Min(inputs, from + RowBlock);
            for (int j = 0; j < to; j++)
            {
                ReadOnlySpan<float> done = gram.AsSpan(j * inputs, j);
                for (int i = Math.Max(from, j); i < to; i++)
                {
                    float rest = gram[i * inputs + j] - OrderedSum.Dot(gram.AsSpan(i * inputs, j), done);
                    gram[i * inputs + j] = i == j ? MathF.Sqrt(MathF.Max(rest, least)) : rest / gram[j * inputs + j];
                }
            }
        }
    }

    private static float Damping(float[] diagonal, double share) => (float)Math.Max(diagonal.Average(d => (double)d) * share, float.Epsilon);

    private void SetDiagonal(float[] values)
    {
        values.CopyTo(diagonal, 0);
        for (int i = 0; i < inputs; i++)
            gram[i * inputs + i] = values[i];
    }

    private void Restore()
    {
        for (int i = 0; i < inputs; i++)
        {
            for (int j = 0; j < i; j++)
                gram[i * inputs + j] = gram[j * inputs + i];
            gram[i * inputs + i] = diagonal[i];
        }
    }

    /// <summary>From the last weight to the first: rounds it, and hands its error on to those before it in proportion L[j, i] / L[i, i].</summary>
    private void RoundOneByOne(float[] rows, float[] scales, bool keepZeros, int from, int to, float[] integers)
    {
        float[] carried = new float[RowBlock * inputs];
        for (int j = inputs - 1; j >= 0; j--)
        {
            ReadOnlySpan<float> factor = gram.AsSpan(j * inputs, j);
            float pivot = gram[j * inputs + j];
            for (int r = from; r < to; r++)
            {
                Span<float> row = carried.AsSpan((r - from) * inputs, inputs);
                float weight = rows[r * inputs + j], q = keepZeros && weight == 0 ? 0 : Nearest((weight + row[j] / pivot) / scales[r]);
                integers[r * inputs + j] = q;
                float error = weight - q * scales[r];
                if (error != 0)
                    TensorPrimitives.MultiplyAdd(factor, error, row[..j], row[..j]);
            }
        }
    }

    /// <summary>Steps of ±1, of the integer that lowers the objective most, or of two at once where no single one does, until none is left. Returns the objectives reached.</summary>
    private double[] Descend(float[] rows, float[] scales, bool keepZeros, int from, int to, float[] integers)
    {
        float[] gradients = Gradients(rows, scales, from, to, integers), gains = new float[inputs], after = new float[inputs];
        double[] reached = new double[to - from];
        for (int r = from; r < to; r++)
        {
            float scale = scales[r];
            Span<float> gradient = gradients.AsSpan((r - from) * inputs, inputs), q = integers.AsSpan(r * inputs, inputs);
            ReadOnlySpan<float> row = rows.AsSpan(r * inputs, inputs);
            for (int step = 0; step < 2 * inputs; step++)
            {
                Gains(row, q, gradient, scale, keepZeros, gains);
                int best = TensorPrimitives.IndexOfMax(gains);
                if (gains[best] > Threshold(best, scale))
                    Move(best, q, gradient, scale);
                else if (!MoveTwo(row, q, gradient, scale, keepZeros, gains, after))
                    break;
            }
            reached[r - from] = Objective(row, scale, q, gradient);
        }
        return reached;
    }

    /// <summary>What a step of each integer towards its gradient gains, divided by s: 2 |g| − s H. −∞ where it may not move: it is at the limit, or masked.</summary>
    private void Gains(ReadOnlySpan<float> row, ReadOnlySpan<float> q, ReadOnlySpan<float> gradient, float scale, bool keepZeros, Span<float> gains)
    {
        TensorPrimitives.Abs(gradient, gains);
        TensorPrimitives.Add(gains, gains, gains);
        TensorPrimitives.MultiplyAdd(diagonal, -scale, gains, gains);
        for (int best = TensorPrimitives.IndexOfMax(gains); gains[best] > Threshold(best, scale) && !MayMove(row[best], q[best], gradient[best], keepZeros); best = TensorPrimitives.IndexOfMax(gains))
            gains[best] = float.NegativeInfinity;
    }

    /// <summary>Tries the most promising single steps, none of which gains, each with the best step that follows.</summary>
    private bool MoveTwo(ReadOnlySpan<float> row, Span<float> q, Span<float> gradient, float scale, bool keepZeros, float[] gains, float[] after)
    {
        const int Tried = 16;
        float[] rest = new float[inputs];
        for (int i = 0; i < Math.Min(Tried, inputs); i++)
        {
            int first = TensorPrimitives.IndexOfMax(gains);
            float gain = gains[first];
            if (!float.IsFinite(gain))
                return false;
            gains[first] = float.NegativeInfinity;
            if (!MayMove(row[first], q[first], gradient[first], keepZeros))
                continue;
            float move = gradient[first] > 0 ? 1 : -1;
            TensorPrimitives.MultiplyAdd(gram.AsSpan(first * inputs, inputs), -move * scale, gradient, after);
            Gains(row, q, after, scale, keepZeros, rest);
            rest[first] = float.NegativeInfinity; // the step back
            int second = TensorPrimitives.IndexOfMax(rest);
            if (rest[second] + gain <= Threshold(first, scale) + Threshold(second, scale))
                continue;
            Move(first, q, gradient, scale);
            Move(second, q, gradient, scale);
            return true;
        }
        return false;
    }

    private void Move(int index, Span<float> q, Span<float> gradient, float scale)
    {
        float move = gradient[index] > 0 ? 1 : -1;
        q[index] += move;
        TensorPrimitives.MultiplyAdd(gram.AsSpan(index * inputs, inputs), -move * scale, gradient, gradient);
    }

    /// <summary>Less than this is rounding in single precision, not a gain.</summary>
    private float Threshold(int index, float scale) => 1e-4f * scale * diagonal[index];

    /// <summary>H (w − s q) of some rows, [rows, inputs].</summary>
    private float[] Gradients(float[] rows, float[] scales, int from, int to, float[] integers)
    {
        float[] gradients = new float[(to - from) * inputs];
        for (int k = 0; k < inputs; k++)
        {
            ReadOnlySpan<float> column = gram.AsSpan(k * inputs, inputs);
            for (int r = from; r < to; r++)
            {
                float error = rows[r * inputs + k] - scales[r] * integers[r * inputs + k];
                Span<float> gradient = gradients.AsSpan((r - from) * inputs, inputs);
                if (error != 0)
                    TensorPrimitives.MultiplyAdd(column, error, gradient, gradient);
            }
        }
        return gradients;
    }

    private static double Objective(ReadOnlySpan<float> row, float scale, ReadOnlySpan<float> integers, ReadOnlySpan<float> gradient)
    {
        double sum = 0;
        for (int k = 0; k < row.Length; k++)
            sum += (row[k] - (double)scale * integers[k]) * gradient[k];
        return Math.Max(0, sum);
    }

    private bool MayMove(float weight, float integer, float gradient, bool keepZeros) =>
        !(keepZeros && weight == 0) && (gradient > 0 ? integer < limit : integer > -limit);
}
