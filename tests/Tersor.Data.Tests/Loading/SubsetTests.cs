using Tersor.Onnx;

namespace Tersor.Data.Tests.Loading;

public sealed class SubsetTests
{
    [Fact]
    public void Both_parts_of_a_split_hold_everything_once_and_the_seed_decides_which()
    {
        IDataSet data = Numbered(101);
        (IDataSet first, IDataSet second) = data.Split(0.3, seed: 5);
        Assert.Equal((30, 71), (first.Count, second.Count));
        Assert.Equal(Enumerable.Range(0, 101).Select(i => $"{i}"), first.Samples().Concat(second.Samples()).Select(s => s.Name).OrderBy(int.Parse));
        Assert.Equal(first.Samples().Select(s => s.Name), data.Split(0.3, seed: 5).First.Samples().Select(s => s.Name));
        Assert.NotEqual(first.Samples().Select(s => s.Name), data.Split(0.3, seed: 6).First.Samples().Select(s => s.Name));
    }

    [Fact]
    public void Stratified_parts_keep_the_proportions_to_within_one_sample()
    {
        IDataSet data = Numbered(200, i => i < 20 ? 0 : i < 80 ? 1 : 2); // 10 %, 30 %, 60 %
        for (int count = 1; count <= 200; count += 13)
        {
            Dictionary<long, int> counts = data.Take(count, seed: 3, stratified: true).Samples().CountBy(s => s.Labels["label"].ToInt64s()[0]).ToDictionary();
            foreach ((long label, double share) in new[] { (0L, 0.1), (1L, 0.3), (2L, 0.6) })
                Assert.InRange(counts.GetValueOrDefault(label), share * count - 1, share * count + 1);
        }
    }

    [Fact]
    public void Taking_more_than_there_is_gives_all()
    {
        Assert.Equal(5, Numbered(5).Take(9).Count);
        Assert.Equal(5, Numbered(5).Take(9, seed: 1).Count);
        Assert.Equal(["0", "1"], Numbered(5).Take(2).Samples().Select(s => s.Name));
    }

    [Fact]
    public void Samples_without_a_class_cannot_be_stratified()
    {
        InMemoryDataSet data = new("d", [new Sample("s", [], new Dictionary<string, Tensor>())]);
        Assert.Contains("no class", Assert.Throws<DataException>(() => data.Take(1, seed: 1, stratified: true)).Message, StringComparison.Ordinal);
    }

    private static InMemoryDataSet Numbered(int count, Func<int, long>? label = null) => new("numbers",
        [.. Enumerable.Range(0, count).Select(i => new Sample($"{i}", [], new Dictionary<string, Tensor> { ["label"] = Tensor.Vector(label?.Invoke(i) ?? i) }))]);
}
