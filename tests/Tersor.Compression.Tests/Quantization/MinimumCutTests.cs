using Tersor.Compression.Quantization.Placement;

namespace Tersor.Compression.Tests.Quantization;

public sealed class MinimumCutTests
{
    [Theory]
    [InlineData(1), InlineData(2), InlineData(3), InlineData(4), InlineData(5), InlineData(6), InlineData(7), InlineData(8)]
    public void The_cut_weighs_as_little_as_the_best_of_all_splits(int seed)
    {
        Random random = new(seed);
        const int Inner = 8;
        MinimumCut network = new();
        int source = network.AddVertex(), sink = network.AddVertex();
        int[] vertices = [.. Enumerable.Range(0, Inner).Select(_ => network.AddVertex())];
        List<(int From, int To, double Weight)> edges = [];
        for (int i = 0; i < 30; i++)
        {
            int from = random.Next(Inner + 1), to = random.Next(Inner + 1);
            Add(from == Inner ? source : vertices[from], to == Inner ? sink : vertices[to], random.Next(1, 20) / 4.0);
        }

        bool[] sides = network.Solve(source, sink);

        Assert.True(sides[source]);
        Assert.False(sides[sink]);
        double best = double.PositiveInfinity;
        for (int mask = 0; mask < 1 << Inner; mask++)
        {
            bool[] split = new bool[Inner + 2];
            split[source] = true;
            for (int i = 0; i < Inner; i++)
                split[vertices[i]] = (mask >> i & 1) != 0;
            best = Math.Min(best, Weight(split));
        }
        Assert.Equal(best, Weight(sides), 9);

        void Add(int from, int to, double weight)
        {
            if (from == to || from == sink || to == source)
                return;
            network.AddEdge(from, to, weight);
            edges.Add((from, to, weight));
        }

        double Weight(bool[] split) => edges.Where(e => split[e.From] && !split[e.To]).Sum(e => e.Weight);
    }

    [Fact]
    public void A_chain_a_hundred_thousand_long_is_solved_without_recursion()
    {
        MinimumCut network = new();
        int source = network.AddVertex(), sink = network.AddVertex(), last = source;
        for (int i = 0; i < 100_000; i++)
        {
            int next = network.AddVertex();
            network.AddEdge(last, next, i == 50_000 ? 1 : 2);
            last = next;
        }
        network.AddEdge(last, sink, 2);
        bool[] sides = network.Solve(source, sink);
        Assert.Equal(50_001, sides.Count(s => s));
    }
}
