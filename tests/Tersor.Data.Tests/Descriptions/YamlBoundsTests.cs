using System.Diagnostics;
using System.Text;

namespace Tersor.Data.Tests.Descriptions;

/// <summary>A description that nests without end, or multiplies by aliases, is refused before it is built.</summary>
public sealed class YamlBoundsTests
{
    public static TheoryData<string, string> Hostile => new()
    {
        { "lists in lists on one line", string.Concat(Enumerable.Repeat("- ", 300_000)) },
        { "maps in maps on one line", string.Concat(Enumerable.Repeat("? ", 300_000)) },
        { "lists in brackets", "a: " + new string('[', 500_000) },
        { "maps in braces", "a: " + string.Concat(Enumerable.Repeat("{a: ", 200_000)) },
        { "keys that are lists", "? " + new string('[', 200_000) },
        { "deeper lines", Lines(400, i => $"{new string(' ', i)}a:") },
        { "aliases in values", Bomb("") },
        { "aliases in a key", Bomb("? *a9\n: 1\n") },
        { "aliases that deepen", "a0: &a0 [x]\n" + Lines(40, i => $"a{i + 1}: &a{i + 1} [*a{i}]") },
        { "an alias of what it stands in", "a: &a [*a]" },
        { "an alias of nothing", "a: *b" },
        { "many values", "a: [" + string.Concat(Enumerable.Repeat("a,", 400_000)) + "]" },
        { "many keys", Lines(90_000, i => $"k{i}: 1") },
        { "a long key", new string('k', 900_000) + ": 1" },
        { "many documents", string.Concat(Enumerable.Repeat("--- a\n", 150_000)) },
    };

    [Theory, MemberData(nameof(Hostile), DisableDiscoveryEnumeration = true)]
    public void Hostile_text_is_refused_soon(string what, string text)
    {
        Assert.NotEmpty(what);
        using TemporaryFolder folder = new();
        string path = folder.Write("data.yaml", text);
        long start = Stopwatch.GetTimestamp();
        string message = Assert.Throws<DataException>(() => DataSetFactory.Open(path, [])).Message;
        Assert.StartsWith(path, message, StringComparison.Ordinal);
        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(20), $"{Stopwatch.GetElapsedTime(start)}");
    }

    [Fact]
    public void Aliases_that_are_used_with_measure_stand_for_what_they_name()
    {
        using TemporaryFolder folder = new();
        string path = folder.Write("data.yaml", """
            source: { kind: random }
            constants:
              a: &one { shape: [2], value: 1 }
              b: *one
            """);
        Assert.Equal(["a", "b"], DataSetFactory.ReadDescription(path).Constants.Keys.Order());
    }

    private static string Bomb(string end) => "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + Lines(9, i => $"a{i + 1}: &a{i + 1} [{string.Join(',', Enumerable.Repeat($"*a{i}", 10))}]") + end;

    private static string Lines(int count, Func<int, string> line)
    {
        StringBuilder text = new();
        for (int i = 0; i < count; i++)
            text.Append(line(i)).Append('\n');
        return text.ToString();
    }
}
