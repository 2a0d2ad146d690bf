namespace Tersor.Pipeline.Tests;

public sealed class TimeLimitTests
{
    private static TimeLimit Over()
    {
        TimeLimit over = new(TimeSpan.FromTicks(1));
        SpinWait.SpinUntil(() => over.IsOver);
        return over;
    }

    [Fact]
    public void Without_a_bound_nothing_is_shortened_or_left_out()
    {
        Assert.Null(TimeLimit.None.Left);
        Assert.False(TimeLimit.None.IsOver);
        Assert.Equal(TimeSpan.FromDays(1), TimeLimit.None.AtMost(TimeSpan.FromDays(1), 0.001));
        Assert.Equal(7, TimeLimit.None.Try(_ => 7, 8, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void A_stage_gets_a_share_of_what_is_left_or_what_it_asks_for()
    {
        TimeLimit hour = new(TimeSpan.FromHours(1));
        Assert.Equal(TimeSpan.FromMinutes(1), hour.AtMost(TimeSpan.FromMinutes(1), 0.5));
        Assert.InRange(hour.AtMost(TimeSpan.FromHours(2), 0.5), TimeSpan.FromMinutes(29), TimeSpan.FromMinutes(30));
        Assert.Equal(TimeSpan.Zero, Over().AtMost(TimeSpan.FromSeconds(1), 0.5));
    }

    [Fact]
    public void Once_it_is_over_no_stage_starts()
    {
        bool started = false;
        Assert.Equal(8, Over().Try(_ => { started = true; return 7; }, 8, TestContext.Current.CancellationToken));
        Assert.False(started);
        Assert.Equal(TimeSpan.Zero, Over().Left);
    }

    [Fact]
    public void A_stage_that_is_still_running_at_the_end_is_broken_off() =>
        Assert.Equal(8, new TimeLimit(TimeSpan.FromMilliseconds(30)).Try(Endless, 8, TestContext.Current.CancellationToken));

    [Fact]
    public void Who_wishes_to_stop_is_not_given_the_other_result()
    {
        using CancellationTokenSource source = new(TimeSpan.FromMilliseconds(30));
        Assert.ThrowsAny<OperationCanceledException>(() => new TimeLimit(TimeSpan.FromMinutes(5)).Try(Endless, 8, source.Token));
    }

    private static int Endless(CancellationToken stop)
    {
        stop.WaitHandle.WaitOne(TimeSpan.FromMinutes(1));
        stop.ThrowIfCancellationRequested();
        return 7;
    }
}
