using Tersor.Pipeline.Quantization;

namespace Tersor.Pipeline.Tests.Quantization.Search;

public sealed class JudgeTests
{
    private static readonly Judge Unlabelled = new(new() { MinSqnr = 30 }, SmallNetwork.Model(), new SmallNetwork.Noise(4), new SmallNetwork.Noise(4), null, new(), CancellationToken.None);

    [Theory]
    [InlineData(30.0, null, 29.0, null, true)]
    [InlineData(29.05, null, 29.0, null, false)] // chance
    [InlineData(28.0, null, 29.0, null, false)]
    [InlineData(30.0, 0.90, 29.0, 0.91, false)]  // costs the metric
    [InlineData(30.0, 0.91, 29.0, 0.91, true)]
    [InlineData(29.0, 0.92, 29.0, 0.91, true)]
    [InlineData(27.0, 0.92, 29.0, 0.91, false)]  // makes the outputs worse
    public void A_change_is_kept_where_it_helps_one_and_harms_neither(double sqnr, double? metric, double sqnrBefore, double? metricBefore, bool kept) =>
        Assert.Equal(kept, Unlabelled.IsBetter(new(sqnr, metric), new(sqnrBefore, metricBefore)));

    [Theory]
    [InlineData(30.0, true), InlineData(29.9, false)]
    public void Without_labels_the_signal_to_noise_is_the_budget(double sqnr, bool good) => Assert.Equal(good, Unlabelled.IsGoodEnough(new(sqnr, null)));

    [Fact]
    public void The_float_model_has_no_noise() => Assert.Equal(double.PositiveInfinity, Unlabelled.Of(SmallNetwork.Model(), CancellationToken.None).Sqnr);
}
