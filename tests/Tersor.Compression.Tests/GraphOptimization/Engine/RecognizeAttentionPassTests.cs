using Tersor.Compression.GraphOptimization;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Compression.Tests.GraphOptimization;

public sealed class RecognizeAttentionPassTests
{
    private const long Heads = 3, Size = 4, Width = Heads * Size;

    private readonly RecognizeAttentionPass pass = new(new());

    /// <summary>How queries, keys and values come to their heads: [B, S, 12] to three [B, 3, S, 4], the keys transposed where the last is true.</summary>
    public static TheoryData<string, Func<Graph, Value, (Value Q, Value K, Value V)>> Forms { get; } = new()
    {
        { "three products", (g, x) => (Head(g, Linear(g, x, 1)), Head(g, Linear(g, x, 2)), Head(g, Linear(g, x, 3))) },
        { "keys with the same weights", (g, x) => Head(g, Linear(g, x, 1)) is var head ? (head, head, Head(g, Linear(g, x, 3))) : default },
        { "split before the heads", (g, x) => g.AddNode("Split", [Linear(g, x, 1, 3 * Width), Ints(g, Width, Width, Width)], ["q", "k", "v"], [new("axis", 2L)]) is var split
            ? (Head(g, split.Outputs[0]!), Head(g, split.Outputs[1]!), Head(g, split.Outputs[2]!)) : default },
        { "split behind the heads", (g, x) => g.AddNode("Split", [Packed(g, x), Ints(g, 1, 1, 1)], ["q", "k", "v"], [new("axis", 0L)]) is var split
            ? (Squeeze(g, split.Outputs[0]!), Squeeze(g, split.Outputs[1]!), Squeeze(g, split.Outputs[2]!)) : default },
        { "gathered", (g, x) => Packed(g, x) is var all ? (Gather(g, all, 0), Gather(g, all, 1), Gather(g, all, -1)) : default },
        { "values first", (g, x) => Packed(g, x) is var all ? (Gather(g, all, 2), Gather(g, all, 0), Gather(g, all, 1)) : default },
        { "sliced", (g, x) => Linear(g, x, 1, 3 * Width + 5) is var all ? (Head(g, Slice(g, all, 0)), Head(g, Slice(g, all, Width)), Head(g, Slice(g, all, 2 * Width))) : default },
    };

    [Theory, MemberData(nameof(Forms))]
    public void Attention_is_recognized_however_its_heads_are_made(string form, Func<Graph, Value, (Value Q, Value K, Value V)> make)
    {
        Assert.NotEmpty(form);
        foreach (Dimension[] shape in new Dimension[][] { [2, 5, Width], ["n", 5, Width] })
        {
            Model model = Build.Model(shape, (g, x) => Whole(g, make(g, x)));
            PassCheck.Leaves(pass, model, "MultiHeadAttention", 1, inFunctions: shape[0].Size is not null);
            PassCheck.Leaves(pass, model, "Softmax", 0, inFunctions: shape[0].Size is not null);
            Assert.Equal(0, PassCheck.Count(PassCheck.Settles(pass, model), "Transpose"));
        }
    }

    [Fact]
    public void Open_lengths_are_no_obstacle_where_the_shapes_copy_them()
    {
        Model model = Build.Model(["n", "s", Width], (g, x) =>
        {
            Value Open(int seed) => g.Apply("Transpose", [g.Apply("Reshape", [Linear(g, x, seed), Ints(g, 0, 0, Heads, Size)])], ("perm", new long[] { 0, 2, 1, 3 }));
            Value product = Product(g, Open(1), Open(2), Open(3), 0.5f, null);
            return g.Apply("Relu", [g.Apply("Reshape", [g.Apply("Transpose", [product], ("perm", new long[] { 0, 2, 1, 3 })), Ints(g, 0, 0, Width)])]);
        });
        PassCheck.Leaves(pass, model, "MultiHeadAttention", 1, inFunctions: false);
    }

    /// <summary>How the scores are scaled.</summary>
    public static TheoryData<string, Func<Graph, Value, Value, Value>> Scales { get; } = new()
    {
        { "not at all", (g, q, k) => g.Apply("MatMul", [q, Transposed(g, k)]) },
        { "divided", (g, q, k) => g.Apply("Div", [g.Apply("MatMul", [q, Transposed(g, k)]), Number(g, 2)]) },
        { "queries before", (g, q, k) => g.Apply("MatMul", [g.Apply("Mul", [q, Number(g, 0.5f)]), Transposed(g, k)]) },
        { "both before", (g, q, k) => g.Apply("MatMul", [g.Apply("Mul", [q, Number(g, 0.7f)]), g.Apply("Mul", [Transposed(g, k), Number(g, 0.7f)])]) },
        { "keys before they are transposed", (g, q, k) => g.Apply("MatMul", [q, Transposed(g, g.Apply("Div", [k, Number(g, -2)]))]) },
        { "twice", (g, q, k) => g.Apply("Mul", [g.Apply("Div", [g.Apply("MatMul", [q, Transposed(g, k)]), Number(g, 3)]), Number(g, 2)]) },
    };

    [Theory, MemberData(nameof(Scales))]
    public void Every_scale_on_the_way_is_the_operators(string scaled, Func<Graph, Value, Value, Value> scores)
    {
        Assert.NotEmpty(scaled);
        PassCheck.Leaves(pass, Build.Model([2, 5, Width], (g, x) => Joined(g, g.Apply("MatMul", [g.Apply("Softmax", [scores(g, Head(g, Linear(g, x, 1)), Head(g, Linear(g, x, 2)))], ("axis", -1)), Head(g, Linear(g, x, 3))]))), "MultiHeadAttention", 1);
    }

    /// <summary>What is added to the scores [2, 3, 5, 5].</summary>
    public static TheoryData<string, Func<Graph, Value, Value>> Biases { get; } = new()
    {
        { "whole", (g, _) => g.AddInitializer("b", Build.Normal(9, 1, 2, 3, 5, 5)) },
        { "for all heads", (g, _) => g.AddInitializer("b", Build.Normal(9, 1, 2, 1, 5, 5)) },
        { "by head", (g, _) => g.AddInitializer("b", Build.Normal(9, 1, 3, 5, 5)) },
        { "causal", (g, _) => g.AddInitializer("b", Tensor.Create([5, 5], [.. Enumerable.Range(0, 25).Select(i => i % 5 > i / 5 ? float.NegativeInfinity : 0)])) },
        { "causal, finite", (g, _) => g.AddInitializer("b", Tensor.Create([1, 1, 5, 5], [.. Enumerable.Range(0, 25).Select(i => i % 5 > i / 5 ? float.MinValue : 0)])) },
        { "by key", (g, _) => g.AddInitializer("b", Build.Normal(9, 1, 5)) },
        { "by query", (g, _) => g.AddInitializer("b", Build.Normal(9, 1, 5, 1)) },
        { "computed, by key", (g, x) => g.Apply("Unsqueeze", [g.Apply("ReduceMax", [x], ("axes", new long[] { 2 }), ("keepdims", 0)), Ints(g, 1, 2)]) },
        { "computed, for all", (g, x) => g.Apply("MatMul", [x, g.Apply("Transpose", [x], ("perm", new long[] { 0, 2, 1 }))]) is var all ? g.Apply("ReduceMax", [all], ("axes", new long[] { 0 }), ("keepdims", 0)) : x },
    };

    [Theory, MemberData(nameof(Biases))]
    public void What_is_added_to_the_scores_is_the_operators_bias(string what, Func<Graph, Value, Value> bias)
    {
        Assert.NotEmpty(what);
        foreach (bool first in new[] { false, true })
        {
            Model model = Build.Model([2, 5, Width], (g, x) => Joined(g, Product(g, Head(g, Linear(g, x, 1)), Head(g, Linear(g, x, 2)), Head(g, Linear(g, x, 3)), 0.5f, bias(g, x), first)));
            PassCheck.Leaves(pass, model, "MultiHeadAttention", 1);
            PassCheck.Leaves(pass, model, "Softmax", 0);
        }
    }

    [Fact]
    public void Keys_of_another_length_and_values_of_another_size_are_recognized()
    {
        Model model = Build.Model([2, 5, Width], (g, x) =>
        {
            Value memory = g.Apply("Concat", [x, x, x], ("axis", 1));
            Value values = g.Apply("Transpose", [g.Apply("Reshape", [Linear(g, memory, 3, Heads * 7), Ints(g, 2, 15, Heads, 7)])], ("perm", new long[] { 0, 2, 1, 3 }));
            Value keys = g.Apply("Transpose", [g.Apply("Reshape", [Linear(g, memory, 2), Ints(g, 2, 15, Heads, Size)])], ("perm", new long[] { 0, 2, 3, 1 }));
            Value weights = g.Apply("Softmax", [g.Apply("MatMul", [Head(g, Linear(g, x, 1)), keys])], ("axis", 3));
            return g.Apply("Reshape", [g.Apply("Transpose", [g.Apply("MatMul", [weights, values])], ("perm", new long[] { 0, 2, 1, 3 })), Ints(g, 2, 5, Heads * 7)]);
        });
        PassCheck.Leaves(pass, model, "MultiHeadAttention", 1);
    }

    /// <summary>What only looks like it, from Q, K [2, 3, 5, 4] and x, and what is said.</summary>
    public static TheoryData<string, Func<Graph, Value, Value>> Others { get; } = new()
    {
        { "no scaled product of queries and keys", (g, x) => Around(g, x, (q, k) => g.Apply("Tanh", [g.Apply("MatMul", [q, Transposed(g, k)])])) },
        { "no scaled product of queries and keys", (g, x) => Around(g, x, (q, k) => g.Apply("Where", [g.Apply("Greater", [g.Apply("MatMul", [q, Transposed(g, k)]), Number(g, 0)]), g.Apply("MatMul", [q, Transposed(g, k)]), Number(g, -9)])) },
        { "no scaled product of queries and keys", (g, x) => Around(g, x, (q, _) => g.Apply("MatMul", [q, g.AddInitializer("k", Build.Normal(5, 1, Size, 5))])) },
        { "does not go over the last dimension", (g, x) => Around(g, x, (q, k) => g.Apply("MatMul", [q, Transposed(g, k)]), axis: 2) },
        { "its scores are multiplied with 0", (g, x) => Around(g, x, (q, k) => g.Apply("Mul", [g.Apply("MatMul", [q, Transposed(g, k)]), Number(g, 0)])) },
        { "its queries are not known to be heads", (g, x) => Around(g, x, (q, k) => g.Apply("MatMul", [g.Apply("Relu", [q]), Transposed(g, k)])) },
        { "its keys are not known to be heads", (g, x) => Around(g, x, (q, k) => g.Apply("MatMul", [q, g.Apply("Softmax", [Transposed(g, k)])])) },
        { "its keys are not known to be heads", (g, x) => Around(g, x, (q, k) => g.Apply("MatMul", [q, g.Apply("Reshape", [k, Ints(g, 2, Heads, Size, 5)])])) },
        { "its values are scaled", (g, x) => Joined(g, Product(g, Head(g, Linear(g, x, 1)), Head(g, Linear(g, x, 2)), g.Apply("Mul", [Head(g, Linear(g, x, 3)), Number(g, 2)]), 1, null)) },
        { "its result is not put together", (g, x) => Product(g, Head(g, Linear(g, x, 1)), Head(g, Linear(g, x, 2)), Head(g, Linear(g, x, 3)), 1, null) },
        { "its result is not put together", (g, x) => g.Apply("Reshape", [Product(g, Head(g, Linear(g, x, 1)), Head(g, Linear(g, x, 2)), Head(g, Linear(g, x, 3)), 1, null), Ints(g, 2, 5, Width)]) },
        { "is not known to be of their shape", (g, x) => Around(g, x, (q, k) => g.Apply("Add", [g.Apply("MatMul", [q, Transposed(g, k)]), g.Apply("Reshape", [g.AddInitializer("b", Build.Normal(9, 1, 25)), g.Apply("Cast", [g.Apply("Add", [g.Apply("Mul", [g.Apply("ReduceMax", [x], ("keepdims", 0)), g.AddInitializer("z", Tensor.Vector(0f, 0f))]), g.AddInitializer("f", Tensor.Vector(5f, 5f))])], ("to", 7))])])) },
    };

    [Theory, MemberData(nameof(Others))]
    public void What_only_looks_like_attention_is_left_and_reported(string reason, Func<Graph, Value, Value> write) =>
        PassCheck.LeavesAlone(pass, Build.Model([2, 5, Width], (g, x) => g.Apply("Abs", [write(g, x)])), reason);

    [Fact]
    public void Scores_or_weights_that_others_read_stay() => PassCheck.LeavesAlone(pass, Build.Model([2, 5, Width], (g, x) =>
    {
        Value weights = g.Apply("Softmax", [g.Apply("MatMul", [Head(g, Linear(g, x, 1)), Transposed(g, Head(g, Linear(g, x, 2)))])], ("axis", -1));
        return g.Apply("Add", [Joined(g, g.Apply("MatMul", [weights, Head(g, Linear(g, x, 3))])), g.Apply("ReduceMax", [weights], ("keepdims", 0))]);
    }), "its scores, weights or result have other readers");

    [Fact]
    public void Heads_that_others_read_stay_for_them() => PassCheck.Leaves(pass, Build.Model([2, 5, Width], (g, x) =>
    {
        Value head = Head(g, Linear(g, x, 1));
        return g.Apply("Add", [Whole(g, (head, head, head)), g.Apply("ReduceMax", [head], ("keepdims", 0))]);
    }), "MultiHeadAttention", 1);

    [Fact]
    public void A_sequence_of_one_batch_against_others_stays() => PassCheck.LeavesAlone(pass, Build.Model([2, 5, Width], (g, x) =>
    {
        Value one = g.Apply("ReduceMax", [x], ("axes", new long[] { 0 }), ("keepdims", 1));
        Value query = g.Apply("Transpose", [g.Apply("Reshape", [Linear(g, one, 1), Ints(g, 1, 5, Heads, Size)])], ("perm", new long[] { 0, 2, 1, 3 }));
        return Whole(g, (query, Head(g, Linear(g, x, 2)), Head(g, Linear(g, x, 3))));
    }), "not known to be of one batch");

    [Fact]
    public void A_bias_that_widens_the_batch_stays() => PassCheck.LeavesAlone(pass, Build.Model([1, 5, Width], (g, x) =>
    {
        Value Single(int seed) => g.Apply("Transpose", [g.Apply("Reshape", [Linear(g, x, seed), Ints(g, 1, 5, Heads, Size)])], ("perm", new long[] { 0, 2, 1, 3 }));
        Value product = g.Apply("ReduceMax", [Product(g, Single(1), Single(2), Single(3), 1, g.AddInitializer("b", Build.Normal(9, 1, 2, 1, 5, 5)))], ("axes", new long[] { 0 }), ("keepdims", 1));
        return g.Apply("Reshape", [g.Apply("Transpose", [product], ("perm", new long[] { 0, 2, 1, 3 })), Ints(g, 1, 5, Width)]);
    }), "its result is not put together");

    [Fact]
    public void Standard_operators_alone_have_none_for_it() =>
        PassCheck.LeavesAlone(new RecognizeAttentionPass(new() { StandardOperatorsOnly = true }), Build.Model([2, 5, Width], (g, x) => Whole(g, (Head(g, Linear(g, x, 1)), Head(g, Linear(g, x, 2)), Head(g, Linear(g, x, 3))))), "only an operator of ONNX Runtime's own");

    [Fact]
    public void Attention_whose_result_is_given_out_keeps_its_name()
    {
        Model model = Build.Model([2, 5, Width], (g, x) => Joined(g, Product(g, Head(g, Linear(g, x, 1)), Head(g, Linear(g, x, 2)), Head(g, Linear(g, x, 3)), 1, null)));
        Model changed = PassCheck.Run(pass, model).Model;
        Assert.Equal(("y", "MultiHeadAttention"), (changed.Graph.Outputs[0].Name, changed.Graph.Outputs[0].Producer!.OpType));
    }

    [Fact]
    public void An_exported_vision_transformer_is_recognized_whole()
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        Model model = new GraphOptimizer(new()).Run(Model.Load(SharedFiles.At("models", "fmnist_vit.onnx"))).Model;
        PassCheck.Leaves(pass, model, "MultiHeadAttention", 4, inFunctions: false);
        OptimizationResult result = new GraphOptimizer(new() { With = ["recognize-attention"] }).Run(model);
        Assert.True(result.Difference!.Relative <= 1e-5 && result.NodesAfter.GetValueOrDefault("com.microsoft.MultiHeadAttention") == 4, $"{result.Difference}");
        Assert.False(result.NodesAfter.ContainsKey("Softmax"));
    }

    private static Value Whole(Graph g, (Value Q, Value K, Value V) heads) => g.Apply("Relu", [Joined(g, Product(g, heads.Q, heads.K, heads.V, 0.5f, null))]);

    private static Value Around(Graph g, Value x, Func<Value, Value, Value> scores, long axis = -1) =>
        Joined(g, g.Apply("MatMul", [g.Apply("Softmax", [scores(Head(g, Linear(g, x, 1)), Head(g, Linear(g, x, 2)))], ("axis", axis)), Head(g, Linear(g, x, 3))]));

    private static Value Product(Graph g, Value q, Value k, Value v, float scale, Value? bias, bool biasFirst = false)
    {
        Value scores = g.Apply("Mul", [g.Apply("MatMul", [q, Transposed(g, k)]), Number(g, scale)]);
        if (bias is not null)
            scores = g.Apply("Add", biasFirst ? [bias, scores] : [scores, bias]);
        return g.Apply("MatMul", [g.Apply("Softmax", [scores], ("axis", -1)), v]);
    }

    private static Value Joined(Graph g, Value product) => g.Apply("Reshape", [g.Apply("Transpose", [product], ("perm", new long[] { 0, 2, 1, 3 })), Ints(g, -1, 5, Width)]);

    private static Value Linear(Graph g, Value x, int seed, long outputs = Width) =>
        g.Apply("Add", [g.Apply("MatMul", [x, g.AddInitializer("w", Build.Normal(seed, 0.5, Width, outputs))]), g.AddInitializer("b", Build.Normal(seed + 50, 0.3, outputs))]);

    private static Value Head(Graph g, Value x) => g.Apply("Transpose", [g.Apply("Reshape", [x, Ints(g, -1, 5, Heads, Size)])], ("perm", new long[] { 0, 2, 1, 3 }));

    private static Value Transposed(Graph g, Value heads) => g.Apply("Transpose", [heads], ("perm", new long[] { 0, 1, 3, 2 }));

    private static Value Packed(Graph g, Value x) => g.Apply("Transpose", [g.Apply("Reshape", [Linear(g, x, 1, 3 * Width), Ints(g, -1, 5, 3, Heads, Size)])], ("perm", new long[] { 2, 0, 3, 1, 4 }));

    private static Value Squeeze(Graph g, Value x) => g.Apply("Squeeze", [x, Ints(g, 0)]);

    private static Value Gather(Graph g, Value x, long index) => g.Apply("Gather", [x, g.AddInitializer("i", Tensor.Scalar(index))], ("axis", 0));

    private static Value Slice(Graph g, Value x, long from) => g.Apply("Slice", [x, Ints(g, from), Ints(g, from + Width), Ints(g, -1)]);

    private static Value Ints(Graph g, params long[] values) => g.AddInitializer("i", Tensor.Vector(values));

    private static Value Number(Graph g, float value) => g.AddInitializer("c", Tensor.Scalar(value));
}
