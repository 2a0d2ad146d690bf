using Tersor.Compression.GraphOptimization;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Compression.Tests.GraphOptimization;

public sealed class ShuffleToGatherPassTests
{
    private readonly ShuffleToGatherPass pass = new();

    [Theory]
    [InlineData(2), InlineData(3), InlineData(4)]
    public void A_shuffle_is_one_Gather(int groups)
    {
        Model model = Build.Model([2, 12, 3, 5], (g, x) => g.Apply("Relu", [Shuffle(g, x, 2, 12, groups, 3, 5)]));
        PassCheck.Leaves(pass, model, "Transpose", 0);
        PassCheck.Leaves(pass, model, "Reshape", 0);
        PassCheck.Leaves(pass, model, "Gather", 1);
        PassCheck.Settles(pass, model);
    }

    public static TheoryData<string, Func<Graph, Value, Value>> Spellings { get; } = new()
    {
        { "open batch", (g, x) => Reshape(g, Transpose(g, Reshape(g, x, -1, 2, 6, 3, 5), 0, 2, 1, 3, 4), -1, 12, 3, 5) },
        { "copied batch", (g, x) => Reshape(g, Transpose(g, Reshape(g, x, 0, 2, 6, 3, 5), 0, 2, 1, 3, 4), 0, 12, 3, 5) },
        { "flat picture", (g, x) => Reshape(g, Transpose(g, Reshape(g, x, 0, 3, 4, 15), 0, 2, 1, 3), 0, -1, 3, 5) },
        { "split by Unsqueeze", (g, x) => g.Apply("Squeeze", [Reshape(g, Transpose(g, Reshape(g, g.Apply("Unsqueeze", [x, Ints(g, 0)]), 1, -1, 2, 6, 15), 0, 1, 3, 2, 4), 1, -1, 12, 3, 5), Ints(g, 0)]) },
        { "two shuffles", (g, x) => Reshape(g, Transpose(g, Reshape(g, Reshape(g, Transpose(g, Reshape(g, x, 0, 2, 6, 3, 5), 0, 2, 1, 3, 4), 0, 12, 3, 5), 0, 3, 4, 15), 0, 2, 1, 3), 0, -1, 3, 5) },
    };

    [Theory, MemberData(nameof(Spellings))]
    public void A_batch_of_any_size_is_shuffled_however_that_is_written(string spelling, Func<Graph, Value, Value> write)
    {
        Assert.NotEmpty(spelling);
        Model model = Build.Model(["n", 12, 3, 5], (g, x) => g.Apply("Relu", [write(g, x)]));
        PassCheck.Leaves(pass, model, "Transpose", 0);
        PassCheck.Leaves(pass, model, "Gather", 1);
    }

    /// <summary>Operator set, and what takes channels of a [2, 12, 3, 5] value in parts; the sum over the parts' first outputs.</summary>
    public static TheoryData<long, Func<Graph, Value, Value?[]>> Parts { get; } = new()
    {
        { 17, (g, x) => g.AddNode("Split", [x, Ints(g, 5, 7)], ["a", "b"], [new("axis", 1L)]).Outputs.ToArray() },
        { 17, (g, x) => g.AddNode("Split", [x], ["a", "b", "c"], [new("axis", 1L)]).Outputs.ToArray() },
        { 18, (g, x) => g.AddNode("Split", [x], ["a", "b", "c", "d"], [new("axis", 1L), new("num_outputs", 4L)]).Outputs.ToArray() },
        { 11, (g, x) => g.AddNode("Split", [x], ["a", "b"], [new("axis", 1L), new("split", new long[] { 4, 8 })]).Outputs.ToArray() },
        { 17, (g, x) => [g.Apply("Slice", [x, Ints(g, 0), Ints(g, 6), Ints(g, 1)]), g.Apply("Slice", [x, Ints(g, -6), Ints(g, long.MaxValue), Ints(g, 1), Ints(g, 1)])] },
        { 9, (g, x) => [g.Apply("Slice", [x], ("starts", new long[] { 2 }), ("ends", new long[] { -1 }), ("axes", new long[] { 1 }))] },
    };

    [Theory, MemberData(nameof(Parts))]
    public void Each_part_of_the_shuffled_channels_is_taken_in_one_step(long opset, Func<Graph, Value, Value?[]> take)
    {
        Model model = Build.Model([2, 12, 3, 5], (g, x) =>
        {
            Value? sum = null;
            foreach (Value? part in take(g, Shuffle(g, x, 2, 12, 3, 3, 5)))
            {
                Value one = g.Apply("ReduceMax", [part], ("axes", new long[] { 2 }), ("keepdims", 0));
                Value reduced = g.Apply("MatMul", [g.Apply("Transpose", [one], ("perm", new long[] { 0, 2, 1 })), one]);
                sum = sum is null ? reduced : g.Apply("Add", [sum, reduced]);
            }
            return sum!;
        }, opset);
        if (opset == 18)
            model = Build.Model([2, 10, 3, 5], (g, x) => g.Apply("Concat", [.. take(g, Shuffle(g, x, 2, 10, 2, 3, 5)).Reverse()], ("axis", 1)), opset); // 3, 3, 3, 1
        Model changed = PassCheck.Settles(pass, model);
        Assert.DoesNotContain(changed.AllNodes(), n => n.Is("Split", "Slice", "Reshape"));
    }

    [Fact]
    public void Readers_of_parts_and_of_the_whole_both_get_theirs()
    {
        Model model = Build.Model([2, 12, 3, 5], (g, x) =>
        {
            Value shuffled = Shuffle(g, x, 2, 12, 3, 3, 5), half = g.Apply("Slice", [shuffled, Ints(g, 0), Ints(g, 6), Ints(g, 1)]), strided = g.Apply("Slice", [shuffled, Ints(g, 0), Ints(g, 12), Ints(g, 1), Ints(g, 2)]);
            return g.Apply("Concat", [half, shuffled, strided], ("axis", 1));
        });
        PassCheck.Leaves(pass, model, "Gather", 2);
        PassCheck.Leaves(pass, model, "Slice", 1);
    }

    [Fact]
    public void Shuffled_channels_that_are_given_out_keep_their_name() =>
        PassCheck.Leaves(pass, Build.Model([2, 12, 3, 5], (g, x) => Shuffle(g, x, 2, 12, 3, 3, 5)), "Gather", 1);

    public static TheoryData<string, Func<Graph, Value, Value>> Others { get; } = new()
    {
        { "no Reshape before and behind it", (g, x) => Transpose(g, x, 0, 2, 1, 3) },
        { "does not move whole channels", (g, x) => Reshape(g, Transpose(g, Reshape(g, x, 2, 12, 15), 0, 2, 1), 2, 12, 3, 5) },
        { "does not move whole channels", (g, x) => Reshape(g, Transpose(g, Reshape(g, x, 2, 12, 3, 5), 0, 1, 3, 2), 2, 12, 3, 5) },
        { "does not move whole channels", (g, x) => Reshape(g, Transpose(g, Reshape(g, x, 2, 3, 4, 3, 5), 0, 2, 1, 3, 4), 2, 4, 9, 5) },
        { "does not move whole channels", (g, x) => Reshape(g, Transpose(g, Reshape(g, x, 2, 12, 15), 1, 0, 2), 2, 12, 3, 5) },
    };

    [Theory, MemberData(nameof(Others))]
    public void What_is_no_shuffle_of_channels_stays(string reason, Func<Graph, Value, Value> write) => PassCheck.LeavesAlone(pass, Build.Model([2, 12, 3, 5], (g, x) => g.Apply("Relu", [write(g, x)])), reason);

    [Fact]
    public void Half_shuffled_values_that_others_read_stay() => PassCheck.LeavesAlone(pass, Build.Model([2, 12, 3, 5], (g, x) =>
    {
        Value half = Transpose(g, Reshape(g, x, 2, 3, 4, 3, 5), 0, 2, 1, 3, 4);
        return g.Apply("Add", [Reshape(g, half, 2, 12, 3, 5), g.Apply("ReduceMax", [half], ("keepdims", 0))]);
    }), "no Reshape before and behind it");

    [Fact]
    public void What_is_written_for_one_batch_size_is_not_taken_for_all() =>
        PassCheck.LeavesAlone(pass, Build.Model(["n", 12, 3, 5], (g, x) => Reshape(g, Transpose(g, Reshape(g, x, 1, -1, 12, 15), 0, 2, 1, 3), -1, 12, 3, 5)), "does not move whole channels");

    [Fact]
    public void Unknown_sizes_are_left_and_reported() =>
        PassCheck.LeavesAlone(pass, Build.Model([1, 12, "h", 5], (g, x) => Reshape(g, Transpose(g, Reshape(g, x, 1, 3, 4, -1, 5), 0, 2, 1, 3, 4), 1, 12, -1, 5)), "the sizes it moves are not known");

    [Fact]
    public void Nonsense_is_refused_and_nothing_is_thrown()
    {
        foreach (Func<Graph, Value, Value> write in new Func<Graph, Value, Value>[]
        {
            (g, x) => Reshape(g, Transpose(g, Reshape(g, x, 2, 3, 4, 15), 0, 9, 1, 3), 2, 12, 3, 5),
            (g, x) => Reshape(g, Transpose(g, Reshape(g, x, 2, 3, 4, 15), 0, 1, 1, 3), 2, 12, 3, 5),
            (g, x) => Reshape(g, Transpose(g, Reshape(g, x, long.MaxValue, long.MaxValue, 4, -1), 0, 2, 1, 3), 2, 12, 3, 5),
            (g, x) => Reshape(g, Transpose(g, g.Apply("Squeeze", [x, Ints(g, 9)]), 0, 2, 1, 3), 2, 12, 3, 5),
            (g, x) => Reshape(g, Transpose(g, g.Apply("Unsqueeze", [x, Ints(g, 9, -9)]), 0, 2, 1, 3), 2, 12, 3, 5),
            (g, x) => Reshape(g, Transpose(g, g.Apply("Flatten", [x], ("axis", 9)), 1, 0), 2, 12, 3, 5),
            (g, x) => Reshape(g, Transpose(g, Reshape(g, x, 2, -1, -1, 15), 0, 2, 1, 3), 2, 12, 3, 5),
        })
        {
            PassCheck.Refuses(pass, Build.Model([2, 12, 3, 5], write), "does not move whole channels");
        }
        PassCheck.Refuses(pass, Build.Model([1, 1L << 40, 1L << 40, 5], (g, x) => Reshape(g, Transpose(g, Reshape(g, x, 1, 3, 4, -1, 5), 0, 2, 1, 3, 4), 1, 12, -1, 5)), "does not move whole channels");
        PassCheck.Refuses(pass, Build.Model([0, 12, 3, 5], (g, x) => Shuffle(g, x, 0, 12, 3, 3, 5)), "does not move whole channels");
    }

    private static Value Shuffle(Graph g, Value x, long batch, long channels, long groups, long height, long width) =>
        Reshape(g, Transpose(g, Reshape(g, x, batch, groups, channels / groups, height, width), 0, 2, 1, 3, 4), batch, channels, height, width);

    private static Value Reshape(Graph g, Value x, params long[] shape) => g.Apply("Reshape", [x, Ints(g, shape)]);

    private static Value Transpose(Graph g, Value x, params long[] perm) => g.Apply("Transpose", [x], ("perm", perm));

    private static Value Ints(Graph g, params long[] values) => g.AddInitializer("i", Tensor.Vector(values));
}
