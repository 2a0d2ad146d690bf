using System.CommandLine;
using System.Text.RegularExpressions;
using Tersor.Testing;

namespace Tersor.Cli.Tests;

/// <summary>Messages name options that exist, and where they name a command, one that has them.</summary>
public sealed partial class OptionNameTests
{
    /// <summary>What programs say to each other, and to dotnet.</summary>
    private static readonly HashSet<string> NotForUsers = ["--serve-guarded-requests", "--runtimeconfig", "--depsfile", "--configuration", "--runtime", "--no-self-contained", "--nologo", "--verbosity"];

    private static readonly Command Root = CommandLine.Root(new(TextWriter.Null, TextWriter.Null));

    private static readonly Dictionary<string, HashSet<string>> OfCommands = Root.Subcommands.ToDictionary(c => c.Name, c => c.Options.SelectMany(o => o.Aliases.Append(o.Name)).Append("--help").ToHashSet(StringComparer.Ordinal));

    /// <summary>Every text in the sources that goes to users: the file, and the text.</summary>
    private static IEnumerable<(string File, string Text)> Texts =>
        from file in Directory.EnumerateFiles(Path.Combine(SharedFiles.Repository, "src"), "*.cs", SearchOption.AllDirectories)
        where !file.Split(Path.DirectorySeparatorChar).Any(p => p is "obj" or "bin")
        from line in File.ReadLines(file)
        where !line.TrimStart().StartsWith("//", StringComparison.Ordinal)
        from literal in Literal().Matches(line)
        select (Path.GetFileName(file), literal.Value);

    [Fact]
    public void Every_option_that_a_text_names_exists()
    {
        HashSet<string> known = [.. OfCommands.Values.SelectMany(o => o), "--version", .. NotForUsers];
        (string File, string Option)[] named = [.. Texts.Where(t => !t.Text.Contains("dotnet ", StringComparison.Ordinal)).SelectMany(t => Option().Matches(t.Text).Select(m => (t.File, m.Value)))];
        Assert.True(named.Length > 300, $"{named.Length}");
        Assert.Empty(named.Where(n => !known.Contains(n.Option)).Distinct());
    }

    [Fact]
    public void An_option_behind_a_command_is_one_of_that_command()
    {
        (string File, string Command, string Option)[] pairs = [.. from text in Texts
            from line in CommandWithOptions().Matches(text.Text)
            from option in Option().Matches(line.Groups[2].Value)
            select (text.File, line.Groups[1].Value, option.Value)];
        Assert.True(pairs.Length > 50, $"{pairs.Length}");
        Assert.Empty(pairs.Where(p => !OfCommands.TryGetValue(p.Command, out HashSet<string>? options) || !options.Contains(p.Option)).Distinct());
    }

    [GeneratedRegex("""
        "(?:[^"\\]|\\.)*"
        """)]
    private static partial Regex Literal();

    [GeneratedRegex("(?<![\\w-])--[a-z][a-z-]*[a-z]")]
    private static partial Regex Option();

    // 'tersor inspect {path} --layers', a sentence's end and other commands apart.
    [GeneratedRegex("tersor ([a-z]+)((?: (?!tersor )[^ '\";]+)*)")]
    private static partial Regex CommandWithOptions();
}
