using Tersor.Compression.GraphOptimization;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Compression.Tests.GraphOptimization;

public sealed class FoldLoopTests
{
    private readonly FoldConstantsPass pass = new(new());

    [Fact]
    public void A_Loop_of_constants_is_computed_with_what_it_carries_and_what_it_collects()
    {
        Model model = Build.Model([5, 2], (g, x) =>
        {
            Node loop = Loop(g, Long(g, 5), [Float(g, 1)], (b, trip, carried) =>
            {
                Value next = b.Apply("Mul", [carried[0], Float(g, 3)]);
                return [next, b.Apply("Add", [next, b.Apply("Cast", [b.Apply("Unsqueeze", [trip, Longs(b, 0)])], ("to", (long)ElementType.Float32))])];
            });
            return g.Apply("Add", [g.Apply("Mul", [x, loop.Outputs[0]!]), loop.Outputs[1]!]);
        });
        PassCheck.Leaves(pass, model, "Loop", 0);
        Model changed = PassCheck.Run(pass, model).Model;
        Assert.Equal([[243f], [3f, 10, 29, 84, 247]], changed.Graph.Initializers.Select(v => v.Tensor!.ToFloats()).Where(t => t.Length is 1 or 5).OrderBy(t => t.Length));
    }

    [Theory]
    [InlineData(true), InlineData(false)]
    public void Sequences_nested_Loops_and_Ifs_in_it_are_computed_too(bool declared)
    {
        Model model = Build.Model([1], (g, x) =>
        {
            Value rows = Long(g, 3), zero = Long(g, 0), empty = g.Apply("SequenceEmpty", []);
            Node outer = Loop(g, rows, [empty], (b, trip, sequences) =>
            {
                Node inner = Loop(b, rows, [sequences[0]], (c, column, inside) =>
                {
                    Value sum = c.Apply("Unsqueeze", [c.Apply("Cast", [c.Apply("Add", [trip, column])], ("to", (long)ElementType.Float32)), Longs(c, 0)]);
                    // Where the column is 0 the sum, else the sum and all that was there before: sizes show only in the run.
                    Graph first = c.NewBody("first"), later = c.NewBody("later");
                    first.AddOutput(first.Apply("Identity", [sum]));
                    later.AddOutput(later.Apply("Concat", [sum, later.Apply("SequenceAt", [inside[0], Long(g, -1)])], ("axis", 0L)));
                    Node branch = c.AddNode("If", [c.Apply("Equal", [column, zero])], ["made"], [new("then_branch", first), new("else_branch", later)]);
                    return [c.Apply("SequenceInsert", [inside[0], branch.Outputs[0]!])];
                }, declared ? new OnnxType.Sequence(new OnnxType.Tensor(ElementType.Float32, null)) : null);
                return [inner.Outputs[0]!];
            }, declared ? new OnnxType.Sequence(new OnnxType.Tensor(ElementType.Float32, null)) : null);
            Value all = g.Apply("ConcatFromSequence", [outer.Outputs[0]!], ("axis", 0L));
            return g.Apply("Mul", [x, g.Apply("ReduceMax", [all], ("keepdims", 0L))]);
        });
        Model changed = PassCheck.Run(pass, model).Model;
        Assert.Equal(0, PassCheck.Count(changed, "Loop") + PassCheck.Count(changed, "If") + PassCheck.Count(changed, "ConcatFromSequence"));
        Assert.Equal([4f], Assert.Single(changed.Graph.Initializers).Tensor!.ToFloats());
    }

    [Fact]
    public void A_condition_ends_it()
    {
        Model model = Build.Model([1], (g, x) => g.Apply("Mul", [x, Loop(g, null, [Float(g, 1)], (b, _, carried) => [b.Apply("Add", [carried[0], carried[0]])], goesOn: (b, next) => b.Apply("Less", [next[0], Float(g, 100)])).Outputs[0]!]));
        Model changed = PassCheck.Run(pass, model).Model;
        Assert.Equal(0, PassCheck.Count(changed, "Loop"));
        Assert.Equal([128f], Assert.Single(changed.Graph.Initializers).Tensor!.ToFloats());
    }

    [Fact]
    public void What_its_body_reads_of_the_input_keeps_it()
    {
        Model model = Build.Model([2, 3], (g, x) => Loop(g, Long(g, 2), [Float(g, 1)], (b, _, carried) => [b.Apply("Mul", [carried[0], b.Apply("ReduceMean", [x], ("keepdims", 0L))])]).Outputs[0]!);
        PassCheck.LeavesAlone(pass, model, "which is not constant", inFunctions: false);
    }

    [Fact]
    public void Random_numbers_in_its_body_stay_random()
    {
        Model model = Build.Model([1], (g, x) => g.Apply("Add", [x, Loop(g, Long(g, 2), [Float(g, 1)], (b, _, carried) => [b.Apply("Add", [carried[0], b.Apply("RandomNormal", [], ("shape", new long[] { 1 }))])]).Outputs[0]!]));
        PassCheck.Refuses(pass, model, "random");
        Assert.Equal(1, PassCheck.Count(model, "Loop"));
    }

    [Fact]
    public void One_without_an_end_is_given_up()
    {
        Model model = Build.Model([1], (g, x) => g.Apply("Add", [x, Loop(g, null, [Float(g, 1)], (b, _, carried) => [b.Apply("Mul", [carried[0], Float(g, 1)])]).Outputs[0]!]));
        PassCheck.Refuses(pass, model, "more than 256 runs");
    }

    [Fact]
    public void One_that_doubles_a_value_again_and_again_is_given_up_before_memory_is()
    {
        Model model = Build.Model([1], (g, x) => g.Apply("Add", [x, g.Apply("ReduceMax", [Loop(g, Long(g, 60), [Float(g, 1)], (b, _, carried) => [b.Apply("Concat", [carried[0], carried[0]], ("axis", 0L))]).Outputs[0]!])]));
        PassCheck.Refuses(new FoldConstantsPass(new() { MaxResultBytes = 1 << 16 }), model, "its results may take");
    }

    [Theory]
    [InlineData("models/symbols.onnx", 105, 0), InlineData("cases/loop-without-types.onnx", 3, 1e-6)]
    public void Real_models_that_compute_indices_in_a_Loop_lose_it(string file, int nodes, double difference)
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        OptimizationResult result = new GraphOptimizer(new()).Run(Model.Load(SharedFiles.At(file.Split('/'))));
        Assert.DoesNotContain(result.Model.AllNodes(), n => n.OpType.Contains("Sequence", StringComparison.Ordinal) || n.Is("Loop", "If"));
        Assert.True(result.Model.AllNodes().Count() < nodes, $"{result.Model.AllNodes().Count()} nodes are left");
        Assert.True(result.VerifiedSamples > 0 && result.Difference!.Relative <= difference && result.BytesAfter < result.BytesBefore, $"{result.VerifiedSamples} samples, {result.Difference}, {result.BytesBefore} to {result.BytesAfter} bytes");
    }

    /// <summary>A Loop whose body gives what it carries first, then what is collected. Types of the body's inputs and outputs are those given, or none.</summary>
    private static Node Loop(Graph graph, Value? trips, Value[] start, Func<Graph, Value, Value[], Value[]> make, OnnxType? carriedType = null, Func<Graph, Value[], Value>? goesOn = null)
    {
        Graph body = graph.NewBody("body");
        Value trip = body.AddInput("trip", OnnxType.Of(ElementType.Int64)), condition = body.AddInput("condition", OnnxType.Of(ElementType.Bool));
        Value[] carried = [.. start.Select(s => body.AddInput("carried", carriedType))], made = make(body, trip, carried);
        body.AddOutput(goesOn is null ? body.Apply("Identity", [condition]) : goesOn(body, made));
        foreach (Value value in made)
        {
            value.Type ??= carriedType;
            body.AddOutput(value);
        }
        return graph.AddNode("Loop", [trips, null, .. start], [.. made.Select(_ => "looped")], [new("body", body)]);
    }

    private static Value Float(Graph graph, float value) => graph.AddInitializer("f", Tensor.Vector(value));

    private static Value Long(Graph graph, long value) => graph.AddInitializer("n", Tensor.Scalar(value));

    private static Value Longs(Graph graph, params long[] values) => graph.AddInitializer("n", Tensor.Vector(values));
}
