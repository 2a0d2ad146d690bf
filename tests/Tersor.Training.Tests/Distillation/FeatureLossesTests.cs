using Tersor.Training.Libtorch;
using Tersor.Training.Losses;
using static TorchSharp.torch;

namespace Tersor.Training.Tests.Distillation;

public sealed class FeatureLossesTests
{
    [Fact]
    public void Attention_equals_the_formula()
    {
        using Tensor student = Made(2, 3, 2, 2), teacher = Made(2, 5, 2, 2).cos();
        using Tensor loss = FeatureLosses.Attention(student, teacher);
        double[][] a = Maps(student), b = Maps(teacher);
        Assert.Equal(a.Zip(b).SelectMany(m => m.First.Zip(m.Second, (x, y) => (x - y) * (x - y))).Average(), loss.item<double>(), 1e-12);

        static double[][] Maps(Tensor features)
        {
            double[][] maps = [.. Enumerable.Range(0, 2).Select(n => Enumerable.Range(0, 4).Select(at => Enumerable.Range(0, (int)features.shape[1]).Average(c => Math.Pow(features[n, c, at / 2, at % 2].item<double>(), 2))).ToArray())];
            return [.. maps.Select(m => m.Select(x => x / Math.Sqrt(m.Sum(y => y * y))).ToArray())];
        }
    }

    [Fact]
    public void Positions_are_averaged_to_the_smaller_size()
    {
        using Tensor student = Made(1, 1, 4, 4), teacher = zeros([1, 1, 2, 2], ScalarType.Float64);
        using Tensor loss = FeatureLosses.Fitted(student, teacher, null, null);
        double expected = Enumerable.Range(0, 4).Average(q => Math.Pow(Enumerable.Range(0, 4).Average(i => student[0, 0, q / 2 * 2 + i / 2, q % 2 * 2 + i % 2].item<double>()), 2));
        Assert.Equal(expected, loss.item<double>(), 1e-12);
    }

    [Theory]
    [InlineData(new long[] { 2, 3 }, new long[] { 2, 5 })]
    [InlineData(new long[] { 2, 4, 3 }, new long[] { 2, 4, 5 })]             // positions, then channels
    [InlineData(new long[] { 2, 3, 4 }, new long[] { 2, 5, 8 })]             // channels, then positions
    [InlineData(new long[] { 2, 3, 4, 4 }, new long[] { 2, 5, 2, 4 })]
    [InlineData(new long[] { 2, 3, 4, 4, 2 }, new long[] { 2, 5, 4, 2, 2 })]
    public void Channels_are_mapped_wherever_they_lie(long[] student, long[] teacher)
    {
        FeatureMatch match = FeatureMatch.Of(new("s", "t"), 0, false, student, teacher, 0);
        Assert.Equal([5, 3], match.Helpers[0].Start.Shape);
        using Tensor weight = TorchTensors.ToTorch(match.Helpers[0].Start, ScalarType.Float64), bias = TorchTensors.ToTorch(match.Helpers[1].Start, ScalarType.Float64);
        using Tensor loss = FeatureLosses.Fitted(Made(student), Made(teacher), weight, bias);
        Assert.True(loss.item<double>() > 0);
    }

    [Fact]
    public void Shapes_that_cannot_meet_are_named()
    {
        TrainingException error = Assert.Throws<TrainingException>(() => FeatureMatch.Of(new("s", "t"), 0, false, [2, 3], [2, 3, 4], 0));
        Assert.Equal("'s' of the student has shape [2,3], and 't' of teacher 1 [2,3,4]; expected as many axes, 2 to 5, and as many samples. Name values at like places of both models.", error.Message);
        error = Assert.Throws<TrainingException>(() => FeatureMatch.Of(new("s", "t"), 0, true, [2, 3], [2, 3], 0));
        Assert.EndsWith("attention maps need positions: 3 axes or more. Name values before the pooling.", error.Message, StringComparison.Ordinal);
    }

    private static Tensor Made(params long[] shape) => arange(0, shape.Aggregate(1L, (a, b) => a * b), ScalarType.Float64).mul(1.7).sin().reshape(shape);
}
