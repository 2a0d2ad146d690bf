using System.CommandLine;
using Tersor.Cli.Parsing;

namespace Tersor.Cli.Tests;

public sealed class TimeOptionTests
{
    [Theory]
    [InlineData("90s", 90)]
    [InlineData("10m", 600)]
    [InlineData("1.5H", 5400)]
    [InlineData("250ms", 0.25)]
    public void A_number_and_a_unit_are_a_time(string text, double seconds) => Assert.Equal(TimeSpan.FromSeconds(seconds), TimeOption.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("90")] // seconds or minutes: nobody can tell
    [InlineData("s")]
    [InlineData("-5s")]
    [InlineData("0s")]
    [InlineData("NaNs")]
    [InlineData("1e9h")]
    [InlineData("3 days")]
    public void Anything_else_is_none(string text) => Assert.Null(TimeOption.Parse(text));

    [Fact]
    public void What_is_not_understood_is_refused_by_name()
    {
        Option<TimeSpan?> option = TimeOption.Create("--time", "How long.");
        Assert.Equal("--time 'soon' is not understood; expected a time such as 90s, 10m or 2h.", new RootCommand { option }.Parse("--time soon").Errors.Single().Message);
        Assert.Null(new RootCommand { option }.Parse("").GetValue(option));
    }
}
