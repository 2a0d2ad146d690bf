using System.Text.RegularExpressions;

namespace Tersor.Architecture.Tests;

/// <summary>What the documentation shows is what is there.</summary>
public sealed partial class DocumentationTests
{
    private static readonly string[] Documents = ["README.md", "README.zh-CN.md", "CONTRIBUTING.md", .. Repository.Files("docs", "*.md")];

    /// <summary>Every C# block of every document: the document, the file it is said to come from, the code.</summary>
    private static IEnumerable<(string Document, string Source, string Code)> Snippets =>
        from document in Documents
        from block in CodeBlock().Matches(Repository.Read(document)).Cast<Match>()
        select (document, block.Groups["source"].Value, block.Groups["code"].Value);

    [Fact]
    public void Code_in_documents_is_code_that_compiles()
    {
        // A block is preceded by a comment that names a region of a compiled file: <!-- samples/Name/Program.cs#region -->
        Assert.NotEmpty(Snippets);
        foreach ((string document, string source, string code) in Snippets)
        {
            Assert.True(source.Contains('#'), $"{document}: the block starting with '{code.Split('\n')[0]}' does not name the file and region it comes from.");
            string[] place = source.Split('#');
            Assert.True(Region(Repository.Read(place[0]), place[1]) == code.TrimEnd('\n'), $"{document}: the block from {source} differs from that region:\n{Region(Repository.Read(place[0]), place[1])}");
        }
    }

    [Fact]
    public void Every_command_is_documented()
    {
        foreach (string file in Repository.Files("src/Tersor.Cli/Commands", "*Command.cs"))
        {
            string name = CommandName().Match(Repository.Read(file)).Groups[1].Value;
            Assert.NotEqual("", name);
            Assert.Contains($"## tersor {name}\n", Repository.Read("docs", "commands.md"));
        }
    }

    [Fact]
    public void Links_between_documents_lead_somewhere()
    {
        foreach (string document in Documents)
        {
            foreach (Match link in Link().Matches(Repository.Read(document)))
            {
                string target = link.Groups[1].Value.Split('#')[0];
                if (target.Length > 0 && !target.Contains("://", StringComparison.Ordinal))
                    Assert.True(Path.Exists(Path.Combine(Repository.Root, Path.GetDirectoryName(document)!, target)), $"{document}: {target} is absent.");
            }
        }
    }

    [Fact]
    public void Both_readmes_show_the_same_commands()
    {
        string[] english = Commands(Repository.Read("README.md")), chinese = Commands(Repository.Read("README.zh-CN.md"));
        Assert.Equal(english, chinese);
        Assert.Equal(["./tersor demo", "dotnet test"], english[..2]);
    }

    [Fact]
    public void Options_in_documents_exist()
    {
        HashSet<string> known = [.. Repository.Files("tests/Tersor.Cli.Tests/Golden", "help*.txt").SelectMany(p => Option().Matches(Repository.Read(p)).Select(m => m.Value))];
        foreach (string document in Documents)
        {
            foreach (string line in Commands(Repository.Read(document)).Where(l => l.Contains("tersor ", StringComparison.Ordinal) && !l.StartsWith("dotnet", StringComparison.Ordinal)))
                Assert.All(Option().Matches(line), option => Assert.True(known.Contains(option.Value), $"{document}: '{line}' uses {option.Value}, which no command has."));
        }
    }

    private static string[] Commands(string text) => [.. ShellBlock().Matches(text).SelectMany(m => m.Groups[1].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries)).Where(l => !l.StartsWith('#'))];

    /// <summary>The lines between <c>#region name</c> and its end, without their common indentation.</summary>
    private static string Region(string text, string name)
    {
        string[] lines = text.Split('\n');
        int start = Array.FindIndex(lines, l => l.Trim() == $"#region {name}");
        Assert.True(start >= 0, $"There is no region '{name}'.");
        string[] body = [.. lines[(start + 1)..].TakeWhile(l => l.Trim() != "#endregion")];
        int indent = body.Where(l => l.Trim().Length > 0).Min(l => l.Length - l.TrimStart().Length);
        return string.Join('\n', body.Select(l => l.Length >= indent ? l[indent..] : l)).Trim('\n');
    }

    [GeneratedRegex(@"(<!-- (?<source>[^\n]*?) -->\n)?```csharp\n(?<code>.*?)```", RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex(@"```(?:sh|console|bash)\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex ShellBlock();

    [GeneratedRegex("new\\(\\s*\"([a-z]+)\",")]
    private static partial Regex CommandName();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex("(?<=\\s)--?[a-z][a-z-]*")]
    private static partial Regex Option();
}
