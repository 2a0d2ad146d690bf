using Tersor.Data.Loading;
using Tersor.Onnx;

namespace Tersor.Data.Tests.Loading;

public sealed class DataLoaderTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4)]
    public void Batches_hold_every_sample_once_in_order(int prefetch)
    {
        DataLoader loader = new(Rows(10), new() { BatchSize = 4, Prefetch = prefetch });
        for (int epoch = 0; epoch < 2; epoch++)
        {
            Batch[] batches = [.. Read(loader, epoch)];
            Assert.Equal([4, 4, 2], batches.Select(b => b.Count));
            Assert.Equal(Enumerable.Range(0, 10).SelectMany(i => new[] { i, i + 0.5f }), batches.SelectMany(b => b.Inputs["x"].ToFloats()));
            Assert.Equal([4, 5, 6, 7], batches[1].Labels["label"].ToInt64s());
        }
    }

    [Fact]
    public void Shuffling_is_decided_by_seed_and_epoch()
    {
        DataLoader loader = new(Rows(50), new() { ShuffleSeed = 3 });
        string[] first = Names(loader, 0);
        Assert.Equal(first, Names(loader, 0));
        Assert.NotEqual(first, Names(loader, 1));
        Assert.NotEqual(first, Names(new(Rows(50), new() { ShuffleSeed = 4 }), 0));
        Assert.Equal(50, first.Distinct().Count());

        static string[] Names(DataLoader loader, int epoch) => [.. Read(loader, epoch).SelectMany(b => b.Samples).Select(s => s.Name)];
    }

    [Fact]
    public void The_last_batch_can_be_left_out()
    {
        DataLoader loader = new(Rows(10), new() { BatchSize = 4, DropLast = true });
        Assert.Equal(2, loader.Count);
        Assert.Equal([4, 4], Read(loader).Select(b => b.Count));
    }

    [Fact]
    public void Smaller_tensors_are_padded_to_the_widest_with_the_stated_value()
    {
        Sample[] samples =
        [
            One(Tensor.Create([1, 2, 1, 2], [1f, 2, 3, 4])),
            One(Tensor.Create([1, 2, 2, 3], [.. Enumerable.Range(11, 12).Select(i => (float)i)])),
        ];
        Tensor stacked = Assert.Single(Read(new DataLoader(new InMemoryDataSet("d", samples), new() { BatchSize = 2, PadValue = -1 }))).Inputs["x"];
        Assert.Equal([2, 2, 2, 3], stacked.Shape);
        Assert.Equal([1, 2, -1, -1, -1, -1, 3, 4, -1, -1, -1, -1, .. Enumerable.Range(11, 12).Select(i => (float)i)], stacked.ToFloats());
    }

    [Fact]
    public void Scalars_are_kept_when_equal_and_refused_when_not()
    {
        InMemoryDataSet equal = new("d", [One(Tensor.Scalar(7L)), One(Tensor.Scalar(7L))]), different = new("d", [One(Tensor.Scalar(7L)), One(Tensor.Scalar(8L))]);
        Assert.Equal(0, Assert.Single(Read(new DataLoader(equal, new() { BatchSize = 2 }))).Inputs["x"].Rank);
        Assert.Throws<DataException>(() => Read(new DataLoader(different, new() { BatchSize = 2 })).ToArray());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void A_sample_that_cannot_be_read_is_thrown_where_batches_are_read(int prefetch)
    {
        DataLoader loader = new(new CountingDataSet(10, failAt: 5), new() { BatchSize = 2, Prefetch = prefetch });
        List<Batch> read = [];
        DataException error = Assert.Throws<DataException>(() =>
        {
            foreach (Batch batch in Read(loader))
                read.Add(batch);
        });
        Assert.Contains("sample 5", error.Message, StringComparison.Ordinal);
        Assert.Equal(2, read.Count);
    }

    [Fact]
    public void No_more_is_read_ahead_than_stated_and_nothing_after_leaving()
    {
        CountingDataSet data = new(1000, failAt: -1);
        DataLoader loader = new(data, new() { BatchSize = 2, Prefetch = 3 });
        int batches = 0;
        foreach (Batch _ in Read(loader))
        {
            batches++;
            SpinWait.SpinUntil(() => data.Reads == 2 * (batches + 4), millisecondsTimeout: 2000); // waiting ones, and one in the making
            Assert.InRange(data.Reads, 2 * batches, 2 * (batches + 4));
            if (batches == 5)
                break;
        }
        int reads = data.Reads;
        Assert.InRange(reads, 10, 18);
        Thread.Yield();
        Assert.Equal(reads, data.Reads);
    }

    [Fact]
    public void Cancelling_stops_the_reading()
    {
        using CancellationTokenSource source = new();
        Assert.ThrowsAny<OperationCanceledException>(() =>
        {
            foreach (Batch _ in new DataLoader(Rows(100)).Batches(cancellation: source.Token))
                source.Cancel();
        });
    }

    [Fact]
    public void Data_with_state_are_refused()
    {
        InMemoryDataSet data = new("d", [], new Dictionary<string, string> { ["hn"] = "h" });
        Assert.Contains("state", Assert.Throws<DataException>(() => new DataLoader(data)).Message, StringComparison.Ordinal);
        Assert.Throws<DataException>(() => new DataLoader(Rows(1), new() { BatchSize = 0 }));
    }

    private static IEnumerable<Batch> Read(DataLoader loader, int epoch = 0) => loader.Batches(epoch, cancellation: TestContext.Current.CancellationToken);

    private static Sample One(Tensor tensor) => new("s", [new Dictionary<string, Tensor> { ["x"] = tensor }], new Dictionary<string, Tensor>());

    private static InMemoryDataSet Rows(int count) => new("rows", [.. Enumerable.Range(0, count).Select(Row)]);

    private static Sample Row(int i) => new($"{i}", [new Dictionary<string, Tensor> { ["x"] = Tensor.Create([1, 2], [i, i + 0.5f]) }], new Dictionary<string, Tensor> { ["label"] = Tensor.Vector((long)i) });

    private sealed class CountingDataSet(int count, int failAt) : IDataSet
    {
        private int reads;

        public int Reads => Volatile.Read(ref reads);

        public string Name => "counting";

        public int Count => count;

        public IReadOnlyDictionary<string, string> Feedback { get; } = new Dictionary<string, string>();

        public Sample Read(int index)
        {
            Interlocked.Increment(ref reads);
            return index == failAt ? throw new DataException($"sample {index} is broken") : Row(index);
        }
    }
}
