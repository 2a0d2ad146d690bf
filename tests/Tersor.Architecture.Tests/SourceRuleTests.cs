using System.Text.RegularExpressions;

namespace Tersor.Architecture.Tests;

/// <summary>Rules no compiler checks.</summary>
public sealed partial class SourceRuleTests
{
    /// <summary>The guarded child: its standard streams are its line to its parent, and no user sees them.</summary>
    private const string Child = "src/Tersor.Runtime/Guard/GuardChild.cs";

    public static TheoryData<string> LibrarySources => [.. Repository.Files("src", "*.cs").Where(p => p != Child && !p.StartsWith("src/Tersor.Cli/", StringComparison.Ordinal))];

    [Theory]
    [MemberData(nameof(LibrarySources))]
    public void Libraries_neither_print_nor_lift_the_ban_on_the_console(string file)
    {
        string text = ForEveryReader().Replace(Repository.Read(file), "");
        Assert.DoesNotContain("Console.", text);
        Assert.DoesNotContain("RS0030", text);
    }

    /// <summary>The other ban that may be lifted, for one line, with its reason: the constant is changed for whatever reads it.</summary>
    [GeneratedRegex(@"#pragma warning disable RS0030 // [^\n]+\n[^\n]*\.SetTensor\([^\n]*\n#pragma warning restore RS0030")]
    private static partial Regex ForEveryReader();

    [Fact]
    public void The_console_is_touched_in_one_file() =>
        Assert.Equal(["src/Tersor.Cli/Terminal.cs"], Repository.Files("src/Tersor.Cli", "*.cs").Where(p => Repository.Read(p).Contains("RS0030", StringComparison.Ordinal)));

    [Fact]
    public void Nothing_is_left_to_do() =>
        Assert.DoesNotContain(Repository.Files("src", "*.cs"), p => Unfinished().IsMatch(Repository.Read(p)));

    [Fact]
    public void Files_stay_readable()
    {
        // Past 400 lines a file holds two ideas. Tables are exempt: a row is a row.
        string[] long_ = [.. Repository.Files("src", "*.cs").Where(p => Repository.Read(p).Count(c => c == '\n') > 400)];
        Assert.Empty(long_);
    }

    [Fact]
    public void The_licence_is_the_MIT_licence() => Assert.StartsWith("MIT License", Repository.Read("LICENSE"), StringComparison.Ordinal);

    [Fact]
    public void The_changelog_knows_the_current_version()
    {
        string version = VersionElement().Match(Repository.Read("Directory.Build.props")).Groups[1].Value;
        Assert.Matches($@"(?m)^## \[({Regex.Escape(version)}|Unreleased)\]", Repository.Read("CHANGELOG.md"));
    }

    [GeneratedRegex(@"\b(TODO|FIXME|HACK|NotImplementedException)\b")]
    private static partial Regex Unfinished();

    [GeneratedRegex("<Version>(.*)</Version>")]
    private static partial Regex VersionElement();
}
