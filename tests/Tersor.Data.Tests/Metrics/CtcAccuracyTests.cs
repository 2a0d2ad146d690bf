using Tersor.Data.Metrics;
using Tersor.Onnx;
using static Tersor.Data.Tests.Metrics.MetricTesting;

namespace Tersor.Data.Tests.Metrics;

public sealed class CtcAccuracyTests
{
    private static readonly string[] Keys = ["a", "b", "’", "，"]; // classes 1..4; 5 is the space

    [Fact]
    public void Repeats_are_merged_and_blanks_dropped() =>
        Assert.Equal("aab b", New().Decode(Scores(1, 1, 0, 1, 2, 2, 5, 2, 0)));

    [Fact]
    public void Symbols_have_the_classes_of_their_lines() =>
        Assert.Equal([("a", 1), ("b", 2), (" ", 4)], new CtcAccuracyMetric(["a", "b", "a"], space: true, false, false, null, "text").Classes.Select(c => (c.Key, c.Value)));

    [Fact]
    public void Accuracy_counts_edits_over_the_whole_set()
    {
        IMetric metric = New();
        metric.Add(Seen(Scores(1, 0, 1), Text("ab"))); // one substitution in 2
        metric.Add(Seen(Scores(1, 2, 0, 2), Text("abbbbbbb"))); // five deletions in 8
        Assert.Equal(1 - 6 / 10.0, metric.Value, 12);
    }

    [Fact]
    public void Spaces_and_typographic_variants_count_only_when_asked()
    {
        Observation seen = Seen(Scores(1, 5, 3, 4), Text("a', "));
        Assert.Equal(1 - 3 / 4.0, Measure(New(), seen), 12); // all but the a are substituted
        Assert.Equal(1 - 2 / 4.0, Measure(New(fold: true), seen), 12); // the space stands elsewhere
        Assert.Equal(1, Measure(New(fold: true, ignoreSpaces: true), seen), 12);
    }

    [Fact]
    public void A_wrong_number_of_symbols_is_said() =>
        Assert.Contains("5 classes", Assert.Throws<DataException>(() => New(space: false).Decode(Scores(1))).Message, StringComparison.Ordinal);

    [Fact]
    public void Folding_maps_full_width_forms_and_quotes() => Assert.Equal("\"A\" 'b' (1,2) a-b. ...", TextFolding.Fold("“Ａ” ‘b’ （1，2） a–b。 …"));

    [Fact]
    public void Edit_distance_equals_the_definition()
    {
        Random random = new(20260104);
        for (int i = 0; i < 300; i++)
        {
            char[] a = [.. Enumerable.Range(0, random.Next(6)).Select(_ => (char)('a' + random.Next(3)))], b = [.. Enumerable.Range(0, random.Next(6)).Select(_ => (char)('a' + random.Next(3)))];
            Assert.Equal(Slow(a, b), EditDistance.Between<char>(a, b));
        }

        static int Slow(ReadOnlySpan<char> a, ReadOnlySpan<char> b) => a.Length == 0 ? b.Length : b.Length == 0 ? a.Length
            : Math.Min(Slow(a[1..], b[1..]) + (a[0] == b[0] ? 0 : 1), 1 + Math.Min(Slow(a[1..], b), Slow(a, b[1..])));
    }

    private static CtcAccuracyMetric New(bool space = true, bool ignoreSpaces = false, bool fold = false) => new(Keys, space, ignoreSpaces, fold, null, "label");

    private static Tensor Text(string text) => Tensor.FromStrings([1], [text]);

    // One row a step, highest at the stated class.
    private static Tensor Scores(params int[] best) => Tensor.Create([1, best.Length, 6], best.SelectMany(b => Enumerable.Range(0, 6).Select(c => c == b ? 0.9f : 0.02f)).ToArray());
}
