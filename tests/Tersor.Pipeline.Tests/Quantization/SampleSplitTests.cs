using Tersor.Data;
using Tersor.Pipeline.Quantization;

namespace Tersor.Pipeline.Tests.Quantization;

public sealed class SampleSplitTests
{
    private static SampleSplit Split(int count, int calibrating = 100, bool labelled = false, bool trains = false, IDataSet? selection = null, QuantizeSettings? settings = null) =>
        SampleSplit.Of(new SmallNetwork.Noise(count), selection, settings ?? new(), calibrating, labelled, trains);

    private static IEnumerable<string> Names(IDataSet data) => data.Samples().Select(s => s.Name);

    [Theory]
    [InlineData(10, 8, 2)]
    [InlineData(100, 80, 20)]
    [InlineData(1000, 100, 900)]
    public void What_calibration_does_not_need_judges_and_a_fifth_at_least(int count, int calibrating, int held)
    {
        SampleSplit split = Split(count);
        Assert.Equal((calibrating, held, held), (split.Calibrating.Count, split.Held.Count, split.Judging.Count));
        Assert.Empty(Names(split.Learning).Intersect(Names(split.Held)));
        Assert.NotEqual(Enumerable.Range(0, held).Select(i => $"{i}"), Names(split.Held)); // files are often sorted by class
    }

    [Fact]
    public void The_same_seed_splits_alike()
    {
        Assert.Equal(Names(Split(50).Held), Names(Split(50).Held));
        Assert.NotEqual(Names(Split(50).Held), Names(Split(50, settings: new() { Seed = 2 }).Held));
    }

    [Fact]
    public void A_metric_on_a_handful_of_samples_is_measured_on_all_unless_they_are_trained_on()
    {
        Assert.Equal(79, Split(79, labelled: true).Judging.Count);
        Assert.Equal(16, Split(79).Judging.Count);
        Assert.Equal(16, Split(79, labelled: true, trains: true).Judging.Count);
        Assert.Equal(300, Split(400, labelled: true).Judging.Count);
    }

    [Fact]
    public void Training_learns_from_all_that_is_not_held_out() => Assert.Equal((800, 100, 200), (Split(1000, trains: true).Learning.Count, Split(1000, trains: true).Calibrating.Count, Split(1000, trains: true).Held.Count));

    [Fact]
    public void A_part_for_selection_judges_and_nothing_is_held_out_of_the_rest()
    {
        SampleSplit split = Split(50, calibrating: 40, selection: new SmallNetwork.Noise(30), settings: new() { SelectionSamples = 20 });
        Assert.Equal((50, 40, 20, 20), (split.Learning.Count, split.Calibrating.Count, split.Held.Count, split.Judging.Count));
        Assert.Equal(12, Split(60, calibrating: 1000, selection: new SmallNetwork.Noise(0)).Judging.Count);
    }

    [Theory]
    [InlineData(1, 1, 1), InlineData(2, 1, 1), InlineData(3, 2, 1)]
    public void There_is_a_sample_of_each_however_few_there_are(int count, int calibrating, int held) =>
        Assert.Equal((calibrating, held), (Split(count).Calibrating.Count, Split(count).Held.Count));
}
