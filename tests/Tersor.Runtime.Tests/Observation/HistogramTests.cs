namespace Tersor.Runtime.Tests.Observation;

public sealed class HistogramTests
{
    [Theory]
    [InlineData(1f)]
    [InlineData(0.001f)]
    [InlineData(3e30f)]
    [InlineData(1e-35f)]
    public void Counts_equal_those_of_a_histogram_with_the_final_range_from_the_start(float scale)
    {
        Random random = new(20260101);
        float[][] parts = [.. Enumerable.Range(0, 6).Select(p => Enumerable.Range(0, 700 * (p + 1)).Select(i => i % 3 == 0 ? 0f : scale * MathF.Pow(10, p - 3) * (float)(random.NextDouble() * 2 - 0.7)).ToArray())];
        StreamingHistogram histogram = new(256);
        foreach (float[] part in parts)
            histogram.Add(part);
        float[] all = [.. parts.SelectMany(p => p)];
        long[] expected = new long[256];
        foreach (float x in all.Where(x => x != 0))
            expected[(int)Math.Floor((x - histogram.Low) / histogram.BinWidth)]++;
        Assert.Equal(expected, histogram.Counts.ToArray());
        Assert.Equal(all.Count(x => x == 0), histogram.Zeros);
        Assert.Equal(all.Length, histogram.Count);
        Assert.Equal((all.Min(), all.Max()), (histogram.Min, histogram.Max));
        // No wider than needed, unless it is as narrow as it gets.
        Assert.True(-histogram.Low <= 2 * all.Max(Math.Abs) || scale < 1e-30f);
    }

    [Fact]
    public void Vector_counting_equals_scalar_counting_at_every_length()
    {
        Random random = new(20260102);
        for (int length = 0; length < 4200; length += length < 40 ? 1 : 61)
        {
            float[] values = [.. Enumerable.Range(0, length).Select(i => i % 5 == 0 ? (i % 2 == 0 ? 0f : -0f) : (random.Next(-64, 64) + (i % 3 == 0 ? 0f : 0.999f)) / 64f)];
            long[] expected = new long[128], actual = new long[128];
            Assert.Equal(BinCounter.Scalar(values, 64, expected), BinCounter.Vector(values, 64, actual));
            Assert.Equal(expected, actual);
        }
    }

    [Fact]
    public void Zeros_and_non_finite_values_are_counted_apart()
    {
        StreamingHistogram histogram = new(16);
        histogram.Add(new float[5000]);
        Assert.Equal((5000, 5000, 0f, 0f), (histogram.Zeros, histogram.Count, histogram.Min, histogram.Max));
        Assert.Equal(0, histogram.Quantile(0.5));
        histogram.Add([float.NaN, 1f, float.PositiveInfinity, -2f]);
        Assert.Equal((2, 5002, -2f, 1f), (histogram.NonFinite, histogram.Count, histogram.Min, histogram.Max));
        Assert.Equal(2, histogram.Counts.ToArray().Sum());
    }

    [Fact]
    public void Quantiles_are_within_a_bin_of_the_sorted_values()
    {
        Random random = new(3);
        float[] values = [.. Enumerable.Range(0, 20000).Select(i => i % 4 == 0 ? 0f : (float)(random.NextDouble() * 7 - 2))];
        StreamingHistogram histogram = new(4096);
        histogram.Add(values);
        float[] sorted = [.. values.Order()];
        foreach (double share in (double[])[0, 0.001, 0.1, 0.25, 0.5, 0.9, 0.99999, 1])
            Assert.Equal(sorted[(int)Math.Min(share * values.Length, values.Length - 1)], histogram.Quantile(share), histogram.BinWidth + 1e-3);
    }

    [Fact]
    public void Adding_histograms_equals_adding_values()
    {
        float[] small = [.. Enumerable.Range(1, 100).Select(i => i / 1000f - 0.03f)], large = [.. Enumerable.Range(1, 100).Select(i => i * 3f - 100)];
        StreamingHistogram whole = new(64), left = new(64), right = new(64);
        whole.Add(small);
        whole.Add(large);
        left.Add(small);
        right.Add(large);
        left.Add(right);
        Assert.Equal(whole.Counts.ToArray(), left.Counts.ToArray());
        Assert.Equal((whole.Low, whole.Min, whole.Max, whole.Count), (left.Low, left.Min, left.Max, left.Count));
    }
}
