using Tersor.Compression.Training;

namespace Tersor.Compression.Tests.Training;

public sealed class LearningRateScheduleTests
{
    [Fact]
    public void One_cycle_rises_to_the_peak_and_falls_far_below_its_start()
    {
        LearningRateSchedule.OneCycle schedule = new();
        double[] rates = [.. Enumerable.Range(0, 1001).Select(i => schedule.At(i, 1001))];
        Assert.Equal(1.0 / 25, rates[0], 9);
        Assert.Equal(1, rates[300], 9);
        Assert.Equal(300, Array.IndexOf(rates, rates.Max()));
        Assert.Equal(1.0 / 25 / 10_000, rates[1000], 9);
        Assert.Equal((1.0 / 25 + 1) / 2, rates[150], 9); // half-way up a half cosine
    }

    [Fact]
    public void Momentum_moves_against_the_rate_of_one_cycle_only()
    {
        LearningRateSchedule.OneCycle schedule = new();
        Assert.Equal([0.95, 0.9, 0.85, 0.9, 0.95], new[] { 0, 150, 300, 650, 1000 }.Select(i => Math.Round(schedule.MomentumAt(i, 1001)!.Value, 9)));
        Assert.Null((schedule with { MovesMomentum = false }).MomentumAt(10, 100));
        Assert.Null(new LearningRateSchedule.Cosine().MomentumAt(10, 100));
    }

    [Fact]
    public void Cosine_step_and_constant_fall_as_they_say()
    {
        Assert.Equal([1, 0.5, 0], new[] { 0, 50, 100 }.Select(i => Math.Round(new LearningRateSchedule.Cosine().At(i, 101), 9)));
        Assert.Equal([1, 0.1, 0.01, 0.01], new[] { 0, 40, 70, 99 }.Select(i => Math.Round(new LearningRateSchedule.Step().At(i, 100), 9)));
        Assert.Equal(1, new LearningRateSchedule.Constant().At(99, 100));
    }

    [Fact]
    public void A_warm_up_rises_in_a_straight_line()
    {
        LearningRateSchedule.Constant schedule = new() { WarmUp = 3 };
        Assert.Equal([0.25, 0.5, 0.75, 1, 1], Enumerable.Range(0, 5).Select(i => schedule.At(i, 5)));
    }
}
