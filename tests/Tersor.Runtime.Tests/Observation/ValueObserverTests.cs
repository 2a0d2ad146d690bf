using Tersor.Onnx;
using static Tersor.Runtime.Tests.TestModels;

namespace Tersor.Runtime.Tests.Observation;

public sealed class ValueObserverTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    [InlineData(0)]
    public void Moments_along_an_axis_equal_the_textbook_formula_over_all_data(int axis)
    {
        Model model = new(17, irVersion: 8);
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, 2, 3, 4));
        Give(model.Graph, model.Graph.AddNode("Neg", [x], ["y"]).Outputs[0]!);
        Random random = new(11);
        float[][] data = [.. Enumerable.Range(0, 5).Select(s => Enumerable.Range(0, 24).Select(_ => 1000 + s + (float)random.NextDouble()).ToArray())];
        MomentsObserver moments = new(new Dictionary<Value, int?> { [model.Graph.Outputs[0]] = axis });
        MinMaxObserver ranges = new([model.Graph.Outputs[0]]);
        Observer.Observe(model, data.Select(d => Sample(("x", Tensor.Create([2, 3, 4], d)))), NoFeedback, [moments, ranges]);
        ChannelMoments actual = moments.Moments[model.Graph.Outputs[0]];
        int channels = axis == 1 ? 3 : axis == 0 ? 2 : 4;
        for (int c = 0; c < channels; c++)
        {
            double[] values = [.. data.SelectMany(d => d.Where((_, i) => (axis == 1 ? i / 4 % 3 : axis == 0 ? i / 12 : i % 4) == c)).Select(v => -(double)v)];
            double mean = values.Average();
            Assert.Equal(mean, actual.Means[c], 9);
            Assert.Equal(values.Average(v => (v - mean) * (v - mean)), actual.Variances()[c], 9);
        }
        Assert.Equal(-data.SelectMany(d => d).Max(), ranges.Ranges[model.Graph.Outputs[0]].Min);
        Assert.Equal(-data.SelectMany(d => d).Min(), ranges.Ranges[model.Graph.Outputs[0]].Max);
    }

    [Fact]
    public void Ranges_leave_out_what_is_not_finite()
    {
        Model model = new(17, irVersion: 8);
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, 4));
        Give(model.Graph, model.Graph.AddNode("Log", [x], ["y"]).Outputs[0]!);
        MinMaxObserver ranges = new([model.Graph.Outputs[0]]);
        Observer.Observe(model, [Sample(("x", Tensor.Vector(-1f, 0f, 1f, MathF.E)))], NoFeedback, [ranges]);
        ValueRange range = ranges.Ranges[model.Graph.Outputs[0]];
        Assert.Equal((0f, 1f, 2L), (range.Min, MathF.Round(range.Max, 5), range.NonFinite));
    }
}
