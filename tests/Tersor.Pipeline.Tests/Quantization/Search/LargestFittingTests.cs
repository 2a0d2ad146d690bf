using Tersor.Pipeline.Judging;
using Tersor.Pipeline.Quantization;

namespace Tersor.Pipeline.Tests.Quantization.Search;

public sealed class LargestFittingTests
{
    private static readonly Dictionary<string, double> Errors = new() { ["large"] = 8, ["small"] = 1, ["middle"] = 4, ["little"] = 2 };
    private readonly List<string> built = [];

    /// <summary>A model whose error is the sum of those of its compressed parts.</summary>
    private Trial Build(IReadOnlySet<string> exact, double budget)
    {
        built.Add(string.Join(' ', exact.Order()));
        return SyntheticTrial.Of("trial", 30, 1, Sum(exact) <= budget ? Fit.Within : Fit.Beyond) with { Exact = exact };
    }

    private static double Sum(IReadOnlySet<string> exact) => Errors.Where(e => !exact.Contains(e.Key)).Sum(e => e.Value);

    private Trial Find(double budget, TimeLimit? time = null) =>
        LargestFitting.Find(SyntheticTrial.Of("full", 30, 1, budget >= 15 ? Fit.Within : Fit.Beyond), [.. Errors.Keys], exact => Build(exact, budget), Sum, time ?? TimeLimit.None, TestContext.Current.CancellationToken);

    [Theory]
    [InlineData(14, "large")]
    [InlineData(7, "large")]
    [InlineData(6, "large middle")]
    [InlineData(2.5, "large little middle")]
    [InlineData(0, "large little middle small")]
    public void As_much_as_fits_is_compressed_and_what_costs_most_is_left(double budget, string exact) => Assert.Equal(exact, string.Join(' ', Find(budget).Exact.Order()));

    [Fact]
    public void What_fits_whole_is_taken_as_it_is()
    {
        Assert.Equal("full", Find(15).Name);
        Assert.Empty(built);
    }

    [Fact]
    public void Where_something_else_breaks_the_budget_nothing_more_is_tried()
    {
        Assert.Equal("full", Find(-1).Name);
        Assert.Single(built);
    }

    [Fact]
    public void Once_time_is_up_nothing_is_tried()
    {
        TimeLimit over = new(TimeSpan.FromTicks(1));
        SpinWait.SpinUntil(() => over.IsOver);
        Assert.Equal("full", Find(7, over).Name);
        Assert.Empty(built);
    }

    [Fact]
    public void Of_very_many_parts_only_the_largest_are_tried_and_the_rest_is_left()
    {
        string[] parts = [.. Enumerable.Range(0, 200).Select(i => $"{i}")];
        int measured = 0;
        Trial found = LargestFitting.Find(SyntheticTrial.Of("full", 30, 1, Fit.Beyond), parts, exact => SyntheticTrial.Of("trial", 30, 1) with { Exact = exact }, exact => measured++, TimeLimit.None, TestContext.Current.CancellationToken);
        Assert.Equal((64, 136), (measured, found.Exact.Count));
        Assert.DoesNotContain("3", found.Exact);
    }
}
