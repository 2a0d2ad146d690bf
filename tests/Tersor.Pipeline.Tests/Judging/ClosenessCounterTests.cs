using Tersor.Onnx;
using Tersor.Pipeline.Judging;

namespace Tersor.Pipeline.Tests.Judging;

public sealed class ClosenessCounterTests
{
    private static OutputCloseness Closeness(params (Tensor Reference, Tensor Given)[] samples)
    {
        ComparedOutput output = new("y", "y", null);
        ClosenessCounter counter = new(output);
        foreach ((Tensor reference, Tensor given) in samples)
            counter.Add([new Dictionary<string, Tensor> { ["y"] = reference }], [new Dictionary<string, Tensor> { ["y"] = given }], output);
        return counter.Result();
    }

    /// <summary>Samples of as many numbers each.</summary>
    private static (Tensor, Tensor)[] Rows(int length, float[] reference, float[] given) =>
        [.. reference.Chunk(length).Zip(given.Chunk(length), (y, approximation) => (Tensor.Create([1, length], y), Tensor.Create([1, length], approximation)))];

    [Fact]
    public void Samples_of_one_number_are_one_vector_together()
    {
        // One by one their cosines are 1, 1, -1 and 1: that one of them is near zero says nothing about how close they are.
        OutputCloseness close = Closeness(Rows(1, [2, -3, 0.01f, 4], [2.1f, -2.9f, -0.02f, 4.1f]));
        double ratio = (3 * 0.01 + 0.0009) / (4 + 9 + 0.0001 + 16);
        Assert.Equal(1 - ratio / 2, close.Cosine.Value, 1e-6);
        Assert.Equal(-10 * Math.Log10(ratio), close.Sqnr.Value, 1e-4);
        // And a number twice as large is no closer for having the same sign.
        Assert.Equal(0.5, Closeness(Rows(1, [1, 2, 3], [2, 4, 6])).Cosine.Value, 1e-6);
    }

    [Fact]
    public void Samples_of_several_numbers_have_an_angle_each() =>
        Assert.Equal(0.5, Closeness(Rows(2, [1, 0, 0.01f, 0], [2, 0, 0, 0.01f])).Cosine.Value, 1e-6);

    [Theory]
    [InlineData(1), InlineData(2)]
    public void What_the_original_cannot_compute_is_left_out_and_so_are_masks(int length)
    {
        OutputCloseness close = Closeness(Rows(length, [float.NaN, float.NegativeInfinity, 1, 2], [5, float.NegativeInfinity, 1, 2]));
        Assert.Equal(1, close.Cosine.Value, 1e-12);
        Assert.Equal(1, close.WorstCosine, 1e-12);
        Assert.Equal((double.PositiveInfinity, double.PositiveInfinity), (close.Sqnr.Value, close.WorstSqnr));
    }

    [Theory]
    [InlineData(1, float.NaN), InlineData(2, float.NaN)]
    [InlineData(1, float.PositiveInfinity), InlineData(2, float.PositiveInfinity)]
    public void What_only_the_changed_model_cannot_compute_is_as_far_as_can_be_whatever_comes_after(int length, float bad)
    {
        OutputCloseness close = Closeness(Rows(length, [1, 2, 3, 4, 5, 6], [1, bad, 3, 4, 5, 6]));
        Assert.Equal(new Interval(double.NegativeInfinity, double.NegativeInfinity, double.NegativeInfinity), close.Sqnr);
        Assert.Equal(double.NegativeInfinity, close.WorstSqnr);
        Assert.InRange(close.Cosine.Value, -1, 0.9);
        Assert.InRange(close.WorstCosine, -1, 0);
    }

    [Fact]
    public void A_mask_that_is_lost_is_as_far_as_can_be() =>
        Assert.Equal(double.NegativeInfinity, Closeness(Rows(2, [1, float.NegativeInfinity, 1, 2], [1, 7, 1, 2])).Sqnr.Value);

    [Theory]
    [InlineData(1), InlineData(2)]
    public void A_sample_that_should_be_zero_has_a_figure_too(int length)
    {
        OutputCloseness close = Closeness(Rows(length, [0, 0, 1, 2, 3, 4], [1e-3f, 1e-3f, 1, 2, 3, 4]));
        Assert.All(new[] { close.Sqnr.Value, close.Sqnr.Low, close.WorstSqnr, close.Cosine.Value, close.Cosine.Low }, figure => Assert.True(double.IsFinite(figure)));
    }
}
