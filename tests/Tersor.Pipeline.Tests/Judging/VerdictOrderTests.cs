using Tersor.Pipeline.Judging;

namespace Tersor.Pipeline.Tests.Judging;

public sealed class VerdictOrderTests
{
    [Theory]
    [InlineData(30.0, null, 29.0, null, true)]
    [InlineData(29.05, null, 29.0, null, false)] // chance
    [InlineData(28.0, null, 29.0, null, false)]
    [InlineData(30.0, 0.03, 29.0, 0.0, false)]   // costs the metric beyond doubt
    [InlineData(30.0, 0.005, 29.0, 0.0, true)]   // one flip is chance
    [InlineData(29.0, -0.03, 29.0, 0.0, true)]
    [InlineData(29.0, -0.005, 29.0, 0.0, false)] // so is this one
    [InlineData(27.0, -0.03, 29.0, 0.0, false)]  // makes the outputs worse
    public void A_change_is_kept_where_it_helps_one_and_harms_neither(double sqnr, double? drop, double sqnrBefore, double? dropBefore, bool kept) =>
        Assert.Equal(kept, VerdictOrder.IsBetter(Of(sqnr, drop), Of(sqnrBefore, dropBefore)));

    [Fact]
    public void What_fits_comes_first_then_what_the_metric_can_tell_apart_then_what_is_closer()
    {
        Verdict close = Of(40, 0.004), better = Of(20, -0.02), misfit = Of(60, -0.5) with { Fit = Fit.Beyond };
        Assert.Equal([better, Of(41, 0.004), close, misfit], new[] { misfit, close, better, Of(41, 0.004) }.Order(VerdictOrder.BestFirst), new ByFigures());
    }

    /// <summary>A verdict whose drop is known to 0.01 either way.</summary>
    private static Verdict Of(double sqnr, double? drop) => new(100, drop is { } lost ? new(0.9, 0.9 - lost, new(lost, lost - 0.01, lost + 0.01), 3) : null,
        [new("y", new(1, 1, 1), 1, new(sqnr, sqnr, sqnr), sqnr, null)], Fit.Within, "");

    private sealed class ByFigures : IEqualityComparer<Verdict>
    {
        public bool Equals(Verdict? x, Verdict? y) => x?.Sqnr == y?.Sqnr && x?.Metric?.Drop == y?.Metric?.Drop;

        public int GetHashCode(Verdict obj) => obj.Sqnr.GetHashCode();
    }
}
