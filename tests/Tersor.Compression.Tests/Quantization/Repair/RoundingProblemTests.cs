using Tersor.Compression.Quantization.Repair;
using Tersor.Testing;

namespace Tersor.Compression.Tests.Quantization.Repair;

public sealed class RoundingProblemTests
{
    private static readonly ParallelOptions OneThread = new() { MaxDegreeOfParallelism = 1 };

    [Theory]
    [InlineData(4, 127), InlineData(6, 7), InlineData(8, 3), InlineData(8, 1)]
    public void Small_rows_come_within_a_few_percent_of_the_best_of_all_roundings(int inputs, int limit)
    {
        const int Rows = 40;
        float[] gram = Gram(inputs, samples: 20, seed: 3), rows = Build.Normal(4, 1, Rows, inputs).ToFloats();
        float[] scales = [.. rows.Chunk(inputs).Select(r => r.Max(MathF.Abs) / limit)];
        float[] found = new RoundingProblem([.. gram], inputs, limit).Solve(rows, scales, 0.001, false, OneThread);

        double reached = 0, best = 0, nearest = 0;
        for (int r = 0; r < Rows; r++)
        {
            float[] row = rows[(r * inputs)..((r + 1) * inputs)];
            reached += Objective(gram, row, scales[r], found[(r * inputs)..((r + 1) * inputs)]);
            nearest += Objective(gram, row, scales[r], [.. row.Select(w => MathF.Round(w / scales[r], MidpointRounding.ToEven))]);
            best += Enumerable.Range(0, 1 << inputs).Min(choice =>
                Objective(gram, row, scales[r], [.. row.Select((w, k) => Math.Clamp(MathF.Floor(w / scales[r]) + (choice >> k & 1), -limit, limit))]));
        }
        // Integers farther than the two neighbours are allowed here, so that it may even be below the best of those.
        Assert.InRange(reached, 0, 1.05 * best);
        Assert.True(best < 0.7 * nearest, $"{best} against {nearest}: the inputs are too easy to tell");
    }

    [Theory]
    [InlineData(1), InlineData(9), InlineData(25), InlineData(64), InlineData(130)]
    public void No_row_is_worse_than_rounded_to_nearest(int inputs)
    {
        float[] gram = Gram(inputs, samples: 50, seed: 5), rows = Build.Normal(6, 1, 19, inputs).ToFloats();
        float[] scales = [.. rows.Chunk(inputs).Select(r => r.Max(MathF.Abs) / 7)];
        RoundingProblem problem = new([.. gram], inputs, 7);
        float[] found = problem.Solve(rows, scales, 0.01, false, OneThread);
        float[] nearest = [.. rows.Select((w, i) => MathF.Round(w / scales[i / inputs], MidpointRounding.ToEven))];
        double[] reached = problem.Objectives(rows, scales, found, OneThread);
        for (int r = 0; r < scales.Length; r++)
        {
            double plain = Objective(gram, rows[(r * inputs)..((r + 1) * inputs)], scales[r], found[(r * inputs)..((r + 1) * inputs)]);
            Assert.InRange(plain, 0, Objective(gram, rows[(r * inputs)..((r + 1) * inputs)], scales[r], nearest[(r * inputs)..((r + 1) * inputs)]) * (1 + 1e-4) + 1e-9);
            Assert.Equal(plain, reached[r], 1e-3 * plain + 1e-6);
        }
        Assert.All(found, q => Assert.True(q == MathF.Round(q) && Math.Abs(q) <= 7));
    }

    [Fact]
    public void No_single_step_lowers_what_was_found()
    {
        const int Inputs = 24;
        float[] gram = Gram(Inputs, samples: 60, seed: 7), rows = Build.Normal(8, 1, 5, Inputs).ToFloats(), scales = [0.2f, 0.3f, 0.15f, 0.4f, 0.25f];
        float[] found = new RoundingProblem([.. gram], Inputs, 127).Solve(rows, scales, 0.01, false, OneThread);
        for (int i = 0; i < found.Length; i++)
        {
            float[] row = rows[(i / Inputs * Inputs)..((i / Inputs + 1) * Inputs)], q = found[(i / Inputs * Inputs)..((i / Inputs + 1) * Inputs)];
            double here = Objective(gram, row, scales[i / Inputs], q);
            foreach (int step in (int[])[-1, 1])
            {
                q[i % Inputs] += step;
                Assert.True(Objective(gram, row, scales[i / Inputs], q) > here * (1 - 1e-4));
                q[i % Inputs] -= step;
            }
        }
    }

    [Fact]
    public void Independent_inputs_are_rounded_to_nearest()
    {
        float[] gram = new float[16 * 16];
        for (int i = 0; i < 16; i++)
            gram[i * 17] = i + 1;
        float[] rows = Build.Normal(9, 1, 4, 16).ToFloats(), scales = [0.1f, 0.1f, 0.2f, 0.3f];
        float[] found = new RoundingProblem(gram, 16, 127).Solve(rows, scales, 0.01, false, OneThread);
        Assert.Equal(rows.Select((w, i) => MathF.Round(w / scales[i / 16], MidpointRounding.ToEven)), found);
    }

    [Fact]
    public void A_mask_stays()
    {
        float[] rows = [.. Build.Normal(10, 1, 6, 32).ToFloats().Select((w, i) => i % 3 == 0 ? 0 : w)], scales = [.. Enumerable.Repeat(0.1f, 6)]; // many weights saturate, and others make up for it
        float[] kept = new RoundingProblem(Gram(32, 40, 11), 32, 7).Solve(rows, scales, 0.01, true, OneThread);
        float[] free = new RoundingProblem(Gram(32, 40, 11), 32, 7).Solve(rows, scales, 0.01, false, OneThread);
        Assert.All(kept.Where((_, i) => i % 3 == 0), q => Assert.Equal(0, q));
        Assert.Contains(free.Where((_, i) => i % 3 == 0), q => q != 0);
    }

    [Fact]
    public void Threads_do_not_change_a_bit()
    {
        float[] gram = Gram(96, 200, 12), rows = Build.Normal(13, 1, 70, 96).ToFloats(), scales = [.. Enumerable.Repeat(0.05f, 70)];
        float[][] results = [.. new[] { 1, 2, 4 }.Select(threads => new RoundingProblem([.. gram], 96, 127).Solve(rows, scales, 0.01, false, new() { MaxDegreeOfParallelism = threads }))];
        Assert.Equal(results[0], results[1]);
        Assert.Equal(results[0], results[2]);
    }

    [Fact]
    public void Inputs_never_seen_do_no_harm()
    {
        float[] rows = Build.Normal(14, 1, 3, 8).ToFloats(), scales = [0.1f, 0.1f, 0.1f];
        float[] found = new RoundingProblem(new float[64], 8, 127).Solve(rows, scales, 0.01, false, OneThread);
        Assert.Equal(rows.Select(w => MathF.Round(w / 0.1f, MidpointRounding.ToEven)), found);
    }

    [Fact]
    public void Solving_rows_gives_what_was_multiplied()
    {
        const int Inputs = 20;
        float[] gram = Gram(Inputs, 100, 15), x = Build.Normal(16, 1, 3, Inputs).ToFloats(), b = new float[3 * Inputs];
        for (int r = 0; r < 3; r++)
        {
            for (int i = 0; i < Inputs; i++)
                b[r * Inputs + i] = (float)Enumerable.Range(0, Inputs).Sum(k => (double)x[r * Inputs + k] * gram[k * Inputs + i]);
        }
        RoundingProblem problem = new([.. gram], Inputs, 127);
        problem.SolveRows(b, 1e-7, OneThread);
        Assert.Equal(x, b, (e, a) => Math.Abs(e - a) < 1e-2);
    }

    /// <summary>Mean of x xᵀ over inputs that lean on each other, as neighbouring pixels do.</summary>
    private static float[] Gram(int inputs, int samples, int seed)
    {
        float[] x = Build.Normal(seed, 1, samples, inputs).ToFloats(), common = Build.Normal(seed + 1, 1, samples).ToFloats();
        double[] gram = new double[inputs * inputs];
        for (int s = 0; s < samples; s++)
        {
            for (int i = 0; i < inputs; i++)
            {
                for (int j = 0; j < inputs; j++)
                    gram[i * inputs + j] += (x[s * inputs + i] * 0.4 + common[s]) * (x[s * inputs + j] * 0.4 + common[s]) / samples;
            }
        }
        return Array.ConvertAll(gram, g => (float)g);
    }

    private static double Objective(float[] gram, float[] row, float scale, float[] integers)
    {
        double sum = 0;
        for (int i = 0; i < row.Length; i++)
        {
            for (int j = 0; j < row.Length; j++)
                sum += (row[i] - (double)scale * integers[i]) * gram[i * row.Length + j] * (row[j] - (double)scale * integers[j]);
        }
        return sum;
    }
}
