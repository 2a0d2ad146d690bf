using Tersor.Compression.Quantization.Repair;
using Tersor.Testing;

namespace Tersor.Compression.Tests.Quantization.Repair;

public sealed class WeightClippingTests
{
    [Theory]
    [InlineData(127), InlineData(63), InlineData(7), InlineData(1)]
    public void The_scale_is_the_best_of_a_finer_grid_within_two_percent(int limit)
    {
        float[] row = Build.Normal(1, 1, 1000).ToFloats(), importance = [.. Build.Normal(2, 1, 1000).ToFloats().Select(v => v * v)];
        foreach (float[] weights in (float[][])[[], importance])
        {
            float scale = Assert.Single(WeightClipping.Scales(row, 1000, limit, perTensor: false, weights));
            double best = Enumerable.Range(1, 2000).Min(i => Plain(row, weights, row.Max(Math.Abs) / limit * i / 2000f, limit));
            Assert.InRange(Plain(row, weights, scale, limit), 0, best * 1.02);
        }
    }

    [Fact]
    public void The_vector_sum_is_the_plain_sum_at_every_length()
    {
        for (int length = 1; length < 70; length++)
        {
            float[] values = Build.Normal(length, 2, length).ToFloats(), importance = [.. values.Select((v, i) => i % 5 + v * v)];
            Assert.Equal(Plain(values, [], 0.3f, 7), WeightClipping.Error(values, [], 0.3f, 7), 1e-4);
            Assert.Equal(Plain(values, importance, 0.3f, 7), WeightClipping.Error(values, importance, 0.3f, 7), 1e-3);
        }
    }

    [Fact]
    public void One_scale_serves_all_rows_or_each_has_its_own()
    {
        float[] rows = [.. Build.Normal(3, 1, 8, 50).ToFloats().Select((w, i) => w * (i / 50 + 1))];
        Assert.Single(WeightClipping.Scales(rows, 50, 7, perTensor: true));
        Assert.Equal(8, WeightClipping.Scales(rows, 50, 7, perTensor: false).Length);
    }

    [Fact]
    public void A_row_of_zeros_gets_a_scale_that_holds() => Assert.Equal([1f], WeightClipping.Scales(new float[20], 20, 127, perTensor: false));

    private static double Plain(float[] row, float[] importance, float scale, int limit) =>
        row.Select((w, i) => Math.Pow(w - scale * Math.Clamp(Math.Round((double)(w / scale), MidpointRounding.ToEven), -limit, limit), 2) * (importance.Length == 0 ? 1 : importance[i])).Sum();
}
