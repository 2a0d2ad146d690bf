using Tersor.Compression;
using Tersor.Pipeline.Judging;
using Tersor.Pipeline.Quantization;

namespace Tersor.Pipeline.Tests.Quantization.Search;

public sealed class TrialChoiceTests
{
    private static string? Chosen(QuantizeSettings settings, params Trial[] trials) => new TrialChoice(settings).Choose(trials)?.Name;

    [Fact]
    public void The_fastest_within_the_budget_is_chosen_whatever_is_faster_beyond_it() =>
        Assert.Equal("middle", Chosen(new(), SyntheticTrial.Of("slow", 60, 1.2), SyntheticTrial.Of("middle", 25, 2), SyntheticTrial.Of("fast", 10, 3, Fit.Doubtful), SyntheticTrial.Of("fastest", 5, 4, Fit.Beyond)));

    [Fact]
    public void Of_those_nearly_as_fast_the_most_exact_is_chosen()
    {
        Assert.Equal("exact", Chosen(new(), SyntheticTrial.Of("fast", 20, 2.08), SyntheticTrial.Of("exact", 40, 2)));
        Assert.Equal("fast", Chosen(new(), SyntheticTrial.Of("fast", 20, 2.2), SyntheticTrial.Of("exact", 40, 2)));
    }

    [Fact]
    public void Of_those_nearly_as_fast_what_is_sure_to_fit_goes_before_what_likely_does() =>
        Assert.Equal("sure", Chosen(new(), SyntheticTrial.Of("likely", 40, 2, Fit.Likely), SyntheticTrial.Of("sure", 30, 2)));

    [Fact]
    public void What_lost_more_than_allowed_is_chosen_only_where_nothing_nearly_as_fast_did_not()
    {
        Assert.Equal("surer", Chosen(new(), SyntheticTrial.Of("tolerable", 40, 2, Fit.Tolerable), SyntheticTrial.Of("surer", 30, 1.7, Fit.Likely), SyntheticTrial.Of("slow", 50, 1)));
        Assert.Equal("tolerable", Chosen(new(), SyntheticTrial.Of("tolerable", 40, 2, Fit.Tolerable), SyntheticTrial.Of("slow", 30, 1.1)));
        Assert.Equal("tolerable", Chosen(new(), SyntheticTrial.Of("tolerable", 40, 2, Fit.Tolerable), SyntheticTrial.Of("far", 20, 1.9, Fit.Doubtful)));
    }

    [Fact]
    public void Of_those_as_fast_and_as_exact_the_smallest_is_chosen() =>
        Assert.Equal("small", Chosen(new(), SyntheticTrial.Of("large", 40, 1, bytes: 9000), SyntheticTrial.Of("small", 40, 1, bytes: 3000)));

    [Fact]
    public void What_is_slower_than_the_original_is_no_result_unless_it_may_be()
    {
        Trial[] slow = [SyntheticTrial.Of("slow", 40, 0.9)];
        Assert.Null(Chosen(new(), slow));
        Assert.Equal("slow", Chosen(new() { RequireSpeed = false }, slow));
        Assert.Equal("as fast", Chosen(new(), SyntheticTrial.Of("as fast", 40, 0.99))); // its interval reaches 1
    }

    [Fact]
    public void Nothing_within_the_budget_is_nothing_chosen() =>
        Assert.Null(Chosen(new() { RequireSpeed = false }, SyntheticTrial.Of("far", 5, 4, Fit.Beyond), SyntheticTrial.Of("perhaps", 20, 3, Fit.Doubtful)));

    [Fact]
    public void A_speed_that_is_asked_for_goes_before_exactness()
    {
        Trial[] trials = [SyntheticTrial.Of("fast", 20, 2.04), SyntheticTrial.Of("exact", 40, 2)];
        Assert.Equal("fast", Chosen(new() { MinSpeedUp = 2.01 }, trials));
        Assert.Equal("exact", Chosen(new() { MinSpeedUp = 3 }, trials)); // none reaches it: who chose says so
    }

    [Fact]
    public void What_is_too_large_is_no_choice_and_if_all_are_the_smallest_is_named()
    {
        Trial[] trials = [SyntheticTrial.Of("large", 40, 3, bytes: 9000), SyntheticTrial.Of("small", 40, 1.1, bytes: 3000)];
        Assert.Equal("small", Chosen(new() { MaxBytes = 4000 }, trials));
        CompressionException error = Assert.Throws<CompressionException>(() => Chosen(new() { MaxBytes = 1000 }, trials));
        Assert.Contains("has 3000 bytes of weights; at most 1000", error.Message, StringComparison.Ordinal);
    }
}
