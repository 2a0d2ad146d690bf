using System.Text.RegularExpressions;

namespace Tersor.Architecture.Tests;

/// <summary>What the documentation shows is what is there.</summary>
public sealed partial class DocumentationTests
{
    private static readonly string[] Documents = ["README.md", "README.zh-CN.md", "CONTRIBUTING.md", "src/README.md", "src/Tersor.Cli/README.md", .. Repository.Files("docs", "*.md")];

    /// <summary>Documents in Chinese; each stands beside the English one it is a translation of.</summary>
    public static TheoryData<string> Translations => [.. Documents.Where(d => d.EndsWith(Chinese, StringComparison.Ordinal))];

    private const string Chinese = ".zh-CN.md";

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
                if (link.Groups[1].Value.Contains("://", StringComparison.Ordinal))
                    continue;
                string[] parts = link.Groups[1].Value.Split('#');
                string target = parts[0].Length == 0 ? document : Path.Combine(Path.GetDirectoryName(document)!, parts[0]);
                Assert.True(Path.Exists(Path.Combine(Repository.Root, target)), $"{document}: {target} is absent.");
                if (parts.Length > 1)
                    Assert.True(Heading().Matches(Repository.Read(target)).Any(h => Anchor(h.Groups[1].Value) == parts[1]), $"{document}: {target} has no heading #{parts[1]}.");
            }
        }
    }

    [Fact]
    public void The_readme_begins_with_the_demo_and_the_tests() => Assert.Equal(["./tersor demo", "dotnet test"], Commands(Repository.Read("README.md"))[..2]);

    [Theory, MemberData(nameof(Translations))]
    public void A_translation_has_the_headings_code_and_figures_of_its_original(string document) =>
        Assert.Equal(Skeleton(Repository.Read(Original(document))), Skeleton(Repository.Read(document)));

    [Theory, MemberData(nameof(Translations))]
    public void A_translation_and_its_original_lead_to_each_other(string document)
    {
        string[] original = Repository.Read(Original(document)).Split('\n'), translated = Repository.Read(document).Split('\n');
        Assert.Equal($"[简体中文]({Path.GetFileName(document)})", original[2]);
        Assert.Equal($"[English]({Path.GetFileName(Original(document))})", translated[2]);
    }

    [Theory, MemberData(nameof(Translations))]
    public void Links_of_a_translation_lead_to_translations_or_say_that_they_do_not(string document)
    {
        string text = Repository.Read(document);
        foreach (Match link in Link().Matches(text))
        {
            string target = link.Groups[1].Value.Split('#')[0];
            if (!target.EndsWith(".md", StringComparison.Ordinal) || target.EndsWith(Chinese, StringComparison.Ordinal) || target == Path.GetFileName(Original(document)))
                continue;
            Assert.False(Path.Exists(Path.Combine(Repository.Root, Path.GetDirectoryName(document)!, target.Replace(".md", Chinese, StringComparison.Ordinal))), $"{document}: {target} is there in Chinese.");
            Assert.True(text[(link.Index + link.Length)..].StartsWith("（英文）", StringComparison.Ordinal), $"{document}: the link to {target} is not followed by （英文）.");
        }
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

    private static string Original(string translation) => translation.Replace(Chinese, ".md", StringComparison.Ordinal);

    /// <summary>What a document and its translation share: blocks of code, levels of headings, names in code and numbers by section, the numbers of each table row.</summary>
    private static IEnumerable<string> Skeleton(string text)
    {
        foreach (Match block in AnyBlock().Matches(text))
            yield return block.Value;
        foreach (string section in SectionStart().Split(AnyBlock().Replace(text, "")))
        {
            ILookup<bool, string> lines = section.Split('\n').ToLookup(l => l.StartsWith('|'));
            yield return $"level {section.TakeWhile(c => c == '#').Count()}: {string.Join(' ', All(InlineCode(), section).Distinct())}";
            yield return $"numbers: {string.Join(' ', All(Number(), string.Join('\n', lines[false])).Distinct())}"; // a set: a language may repeat what another refers back to
            foreach (string row in lines[true])
                yield return $"row: {string.Join(' ', All(Number(), row))}";
        }

        static IEnumerable<string> All(Regex pattern, string text) => pattern.Matches(text).Select(m => m.Value).Order(StringComparer.Ordinal);
    }

    /// <summary>The anchor GitHub gives to a heading.</summary>
    private static string Anchor(string heading) => new([.. heading.ToLowerInvariant().Where(c => char.IsLetterOrDigit(c) || c is ' ' or '-' or '_').Select(c => c == ' ' ? '-' : c)]);

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

    [GeneratedRegex(@"^ *```.*?^ *```$", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex AnyBlock();

    [GeneratedRegex("^(?=#)", RegexOptions.Multiline)]
    private static partial Regex SectionStart();

    [GeneratedRegex("`[^`]+`")]
    private static partial Regex InlineCode();

    [GeneratedRegex(@"[0-9]+(?:[.,][0-9]+)*")]
    private static partial Regex Number();

    [GeneratedRegex("^#+ (.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex("(?<=\\s)--?[a-z][a-z-]*")]
    private static partial Regex Option();
}
