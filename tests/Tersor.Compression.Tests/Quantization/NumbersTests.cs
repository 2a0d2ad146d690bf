using Tersor.Compression.Quantization;
using Tersor.Compression.Quantization.Emission;
using Tersor.Compression.Quantization.Ranges;
using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Compression.Tests.Quantization;

public sealed class NumbersTests
{
    [Theory]
    [InlineData(-1, 1), InlineData(0, 6), InlineData(-3, -1), InlineData(2, 9), InlineData(-1e-3, 250), InlineData(-1e30, 1e30)]
    public void Zero_is_exact_and_every_value_inside_comes_back_within_half_a_step(double low, double high)
    {
        QuantizationParameters parameters = QuantizationParameters.FromRange(low, high);
        Assert.Equal(parameters.ZeroPoint, parameters.Quantize(0));
        for (int i = 0; i <= 1000; i++)
        {
            float x = (float)(Math.Min(0, low) + (Math.Max(0, high) - Math.Min(0, low)) * i / 1000);
            double back = parameters.Scale * ((double)parameters.Quantize(x) - parameters.ZeroPoint);
            // Rounding the zero point moves the ends by up to half a step more.
            Assert.InRange(Math.Abs(back - x), 0, parameters.Scale * 1.001);
        }
    }

    [Theory]
    [InlineData(0, 0), InlineData(1e-45, 0), InlineData(0, 1e-40)]
    public void A_range_without_extent_gets_a_usable_scale(double low, double high)
    {
        QuantizationParameters parameters = QuantizationParameters.FromRange(low, high);
        Assert.Equal((1f, (byte)0), (parameters.Scale, parameters.ZeroPoint));
    }

    [Fact]
    public void The_search_for_the_least_squared_error_finds_what_a_brute_force_over_the_samples_finds()
    {
        // Two million values of a normal distribution (50,000 of them, forty times over) and one outlier: so many that clipping the one pays.
        Random random = new(20260101);
        float[] values = [.. Enumerable.Range(0, 50_000).Select(_ => (float)Normal(random))];
        StreamingHistogram histogram = new();
        for (int i = 0; i < 40; i++)
            histogram.Add(values);
        histogram.Add([15f]);

        (double low, double high) = new RangeEstimator.MeanSquaredError().Estimate(new(histogram));

        double best = double.PositiveInfinity;
        for (int l = 8; l <= 20; l++)
        {
            for (int h = 2; h <= 20; h++)
                best = Math.Min(best, Error(values.Min() * l / 20, 15.0 * h / 20));
        }
        Assert.InRange(Error(low, high), 0, best * 1.03);
        Assert.InRange(high, 3, 10);

        double Error(double l, double h) => 40 * SquaredError(values, l, h) + SquaredError([15f], l, h);
    }

    [Fact]
    public void Exact_zeros_do_not_widen_the_range()
    {
        StreamingHistogram with = new(), without = new();
        float[] values = [.. Enumerable.Range(1, 1000).Select(i => i / 100f)];
        with.Add([.. values, .. new float[100_000]]);
        without.Add(values);
        Assert.Equal(new RangeEstimator.MeanSquaredError().Estimate(new(without)), new RangeEstimator.MeanSquaredError().Estimate(new(with)));
    }

    [Fact]
    public void A_percentile_leaves_out_the_outlier()
    {
        StreamingHistogram histogram = new();
        histogram.Add([.. Enumerable.Range(0, 100_000).Select(i => i / 100_000f), 1000f]);
        (double low, double high) = new RangeEstimator.Percentile(99.99).Estimate(new(histogram));
        Assert.InRange(low, 0, 0.01);
        Assert.InRange(high, 0.9, 1.5);
    }

    [Theory]
    [InlineData(0), InlineData(1), InlineData(2)]
    public void Weights_come_back_within_half_a_step_of_their_channel(int axis)
    {
        Random random = new(7);
        Tensor weight = Tensor.Create([4, 5, 6], [.. Enumerable.Range(0, 120).Select(_ => (float)Normal(random))]);
        float[] scales = WeightQuantizer.Scales(weight, axis);
        Tensor integers = WeightQuantizer.Quantize(weight, axis, scales);
        int[] strides = [30, 6, 1];
        float[] largest = new float[weight.Shape[axis]];
        for (int i = 0; i < 120; i++)
        {
            int channel = i / strides[axis] % (int)weight.Shape[axis];
            largest[channel] = Math.Max(largest[channel], Math.Abs(weight.Span<float>()[i]));
            Assert.InRange(Math.Abs(integers.Span<sbyte>()[i] * scales[channel] - weight.Span<float>()[i]), 0, scales[channel] * 0.5001f);
        }
        Assert.Equal(largest.Select(l => l / 127), scales);
    }

    [Fact]
    public void A_dead_channel_and_a_huge_bias_get_scales_that_hold()
    {
        Tensor weight = Tensor.Create([2, 2], new float[] { 0, 0, 1e-9f, -1e-9f });
        float[] scales = WeightQuantizer.Scales(weight, 0);
        Assert.Equal(1f, scales[0]);
        float[] bias = [5, 1e4f];
        Assert.Null(WeightQuantizer.QuantizeBias(bias, 1e-6f, [.. scales]));
        WeightQuantizer.FitBias(bias, 1e-6f, scales);
        int[] integers = WeightQuantizer.QuantizeBias(bias, 1e-6f, scales)!;
        Assert.Equal(1e4, integers[1] * 1e-6 * scales[1], 1e4 * 1e-6);
    }

    private static double SquaredError(float[] values, double low, double high)
    {
        double scale = (high - low) / 255;
        return values.Sum(v => Math.Pow(Math.Clamp(Math.Round((v - low) / scale) * scale + low, low, high) - v, 2));
    }

    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
