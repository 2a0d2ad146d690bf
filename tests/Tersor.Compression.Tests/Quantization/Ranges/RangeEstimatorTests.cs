using Tersor.Compression.Quantization.Ranges;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Runtime;
using Tersor.Testing;

namespace Tersor.Compression.Tests.Quantization.Ranges;

public sealed class RangeEstimatorTests
{
    [Fact]
    public void A_moving_average_counts_an_outlier_as_one_sample()
    {
        (Value value, Model model, Sample[] samples) = OneValue(20, i => i == 7 ? 100 : 1);
        SampleRangeObserver ranges = new([value]), last = new([value], momentum: 0.9);
        Observer.Observe(model, samples, new Dictionary<string, string>(), [ranges, last]);

        float[][] values = [.. samples.Select(s => s.Steps[0]["x"].ToFloats())];
        Assert.Equal(values.Average(v => v.Min()), ranges.Averages[value].Low, 1e-5);
        Assert.Equal(values.Average(v => v.Max()), ranges.Averages[value].High, 1e-5);
        double high = values[0].Max();
        foreach (float[] sample in values.Skip(1))
            high = 0.9 * high + 0.1 * sample.Max();
        Assert.Equal(high, last.Averages[value].High, 1e-5);

        ValueDistribution observed = new(new StreamingHistogram(), ranges.Averages[value]);
        Assert.Equal(ranges.Averages[value], new RangeEstimator.MovingAverage().Estimate(observed));
        Assert.Throws<InvalidOperationException>(() => new RangeEstimator.MovingAverage().Estimate(new(new StreamingHistogram())));
    }

    [Fact]
    public void Divergence_is_that_of_a_plain_computation_over_the_bins()
    {
        StreamingHistogram histogram = new(bins: 512);
        histogram.Add(Build.Normal(1, 1, 20_000).ToFloats());
        ValueDistribution observed = new(histogram);
        foreach ((double low, double high) in ((double, double)[])[(-2, 2), (-0.5, 3), (-4, 4)])
            Assert.Equal(Divergence(histogram, low, high), observed.Divergence(low, high), 1e-9);
    }

    [Fact]
    public void Entropy_leaves_out_the_outlier_and_keeps_what_is_even()
    {
        StreamingHistogram tailed = new(), even = new();
        tailed.Add([.. Build.Normal(2, 1, 200_000).ToFloats(), 60f, -60f]);
        even.Add([.. Enumerable.Range(0, 100_000).Select(i => i / 50_000f - 1)]);
        (double low, double high) = new RangeEstimator.Entropy().Estimate(new(tailed));
        Assert.InRange(high, 2.5, 30);
        Assert.InRange(low, -30, -2.5);
        Assert.InRange(new RangeEstimator.Entropy().Estimate(new(even)).High, 0.9, 1);
    }

    [Fact]
    public void Exact_zeros_do_not_change_what_entropy_chooses()
    {
        StreamingHistogram with = new(), without = new();
        float[] values = [.. Build.Normal(3, 1, 50_000).ToFloats().Select(MathF.Abs), 30f];
        with.Add([.. values, .. new float[500_000]]);
        without.Add(values);
        Assert.Equal(new RangeEstimator.Entropy().Estimate(new(without)), new RangeEstimator.Entropy().Estimate(new(with)));
    }

    [Fact]
    public void A_side_without_values_is_not_widened()
    {
        StreamingHistogram histogram = new();
        histogram.Add([.. Build.Normal(4, 1, 50_000).ToFloats().Select(v => Math.Max(v, -0.375f)), 40f]);
        (double low, double high) = new RangeEstimator.Entropy().Estimate(new(histogram));
        Assert.Equal(-0.375, low);
        Assert.True(high > 1);
    }

    [Fact]
    public void Candidates_are_the_different_ranges_of_all_estimators()
    {
        StreamingHistogram histogram = new(), zeros = new();
        histogram.Add([.. Build.Normal(5, 1, 100_000).ToFloats(), 50f]);
        zeros.Add(new float[100]);
        IReadOnlyList<RangeCandidate> candidates = RangeCandidates.Of(new(histogram, (-3.5, 4)));
        Assert.Contains(candidates, c => c is { Estimator: RangeEstimator.MovingAverage, Low: -3.5, High: 4 });
        Assert.Contains(candidates, c => c is { Estimator: RangeEstimator.MinMax, High: 50 });
        Assert.Equal(candidates.Count, candidates.Select(c => (c.Low, c.High)).Distinct().Count());
        Assert.DoesNotContain(RangeCandidates.Of(new(histogram)), c => c.Estimator is RangeEstimator.MovingAverage);
        Assert.Empty(RangeCandidates.Of(new(zeros)));
        Assert.Empty(RangeCandidates.Of(new(new StreamingHistogram())));
    }

    private static (Value Value, Model Model, Sample[] Samples) OneValue(int count, Func<int, float> factor)
    {
        Model model = Build.Model([1, 50], (g, x) => g.Apply("Abs", [g.Apply("Neg", [x])]));
        return (model.Graph.Inputs[0], model, [.. Enumerable.Range(0, count).Select(i =>
            new Sample($"{i}", [new Dictionary<string, Tensor> { ["x"] = Build.Normal(i, factor(i), 1, 50) }], new Dictionary<string, Tensor>()))]);
    }

    private static double Divergence(StreamingHistogram histogram, double low, double high)
    {
        double[] p = [.. histogram.Counts.ToArray().Select(c => (double)c)], q = new double[p.Length], inside = [.. p];
        double Centre(int bin) => histogram.Low + (bin + 0.5) * histogram.BinWidth;
        int[] bins = [.. Enumerable.Range(0, p.Length).Where(b => Centre(b) >= low && Centre(b) < high)];
        for (int b = 0; b < p.Length; b++)
        {
            if (bins.Contains(b))
                continue;
            p[b < bins[0] ? bins[0] : bins[^1]] += p[b];
            (p[b], inside[b]) = (0, 0);
        }
        double scale = (high - low) / 255;
        foreach (IGrouping<double, int> level in bins.GroupBy(b => Math.Round(Centre(b) / scale)))
        {
            int[] filled = [.. level.Where(b => inside[b] > 0)];
            foreach (int b in filled)
                q[b] = filled.Sum(i => inside[i]) / filled.Length / inside.Sum();
        }
        int used = bins.Count(b => p[b] > 0);
        return bins.Where(b => p[b] > 0).Sum(b => p[b] / p.Sum() * Math.Log(p[b] / p.Sum() / ((1 - 1e-4) * q[b] + 1e-4 / used)));
    }
}
