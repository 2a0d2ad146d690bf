using Tersor.Compression.GraphOptimization;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Compression.Tests.GraphOptimization;

public sealed class RemoveNoOpsPassTests
{
    private readonly RemoveNoOpsPass pass = new();

    /// <summary>Operator, and a function that applies it to a [2, 3, 4, 4] value without effect, or with one.</summary>
    public static TheoryData<string, bool, Func<Graph, Value, Value>> Cases { get; } = new()
    {
        { "Identity", false, (g, x) => g.Apply("Identity", [x]) },
        { "Dropout", false, (g, x) => g.Apply("Dropout", [x]) },
        { "Dropout", true, (g, x) => g.Apply("Dropout", [x, g.AddInitializer("ratio", Tensor.Scalar(0f)), g.AddInitializer("training", Tensor.Scalar(true))]) },
        { "Cast", false, (g, x) => g.Apply("Cast", [x], ("to", (long)ElementType.Float32)) },
        { "Cast", false, (g, x) => g.Apply("Cast", [g.Apply("Cast", [x], ("to", (long)ElementType.Float64))], ("to", (long)ElementType.Float32)) },
        { "Cast", true, (g, x) => g.Apply("Cast", [g.Apply("Cast", [x], ("to", (long)ElementType.Int32))], ("to", (long)ElementType.Float32)) },
        { "Reshape", false, (g, x) => g.Apply("Reshape", [x, Ints(g, 2, -1, 4, 4)]) },
        { "Reshape", false, (g, x) => g.Apply("Reshape", [x, Ints(g, 0, 0, 0, -1)]) },
        { "Reshape", true, (g, x) => g.Apply("Reshape", [x, Ints(g, 3, 2, 4, 4)]) },
        { "Transpose", false, (g, x) => g.Apply("Transpose", [x], ("perm", new long[] { 0, 1, 2, 3 })) },
        { "Transpose", false, (g, x) => g.Apply("Transpose", [g.Apply("Transpose", [x], ("perm", new long[] { 0, 2, 3, 1 }))], ("perm", new long[] { 0, 3, 1, 2 })) },
        { "Transpose", true, (g, x) => g.Apply("Transpose", [x], ("perm", new long[] { 0, 1, 3, 2 })) },
        { "Slice", false, (g, x) => g.Apply("Slice", [x, Ints(g, 0), Ints(g, long.MaxValue), Ints(g, 2)]) },
        { "Slice", false, (g, x) => g.Apply("Slice", [x, Ints(g, 0), Ints(g, 3), Ints(g, 1)]) },
        { "Slice", true, (g, x) => g.Apply("Slice", [x, Ints(g, 0), Ints(g, 2), Ints(g, 1)]) },
        { "Slice", true, (g, x) => g.Apply("Slice", [x, Ints(g, 0), Ints(g, 3), Ints(g, 1), Ints(g, 2)]) },
        { "Concat", false, (g, x) => g.Apply("Concat", [x], ("axis", 1)) },
        { "Pad", false, (g, x) => g.Apply("Pad", [x, Ints(g, 0, 0, 0, 0, 0, 0, 0, 0)]) },
        { "Pad", true, (g, x) => g.Apply("Pad", [x, Ints(g, 0, 0, 0, 0, 0, 0, 0, 1)]) },
        { "Expand", false, (g, x) => g.Apply("Expand", [x, Ints(g, 3, 1, 4)]) },
        { "Expand", true, (g, x) => g.Apply("Expand", [x, Ints(g, 2, 1, 1, 1, 1)]) },
        { "Tile", false, (g, x) => g.Apply("Tile", [x, Ints(g, 1, 1, 1, 1)]) },
        { "Unsqueeze", false, (g, x) => g.Apply("Squeeze", [g.Apply("Unsqueeze", [x, Ints(g, 1)]), Ints(g, 1)]) },
        { "Flatten", false, (g, x) => g.Apply("Flatten", [g.Apply("Reshape", [x, Ints(g, 6, 16)])]) },
        { "Mul", false, (g, x) => g.Apply("Mul", [x, g.AddInitializer("one", Tensor.Create([1, 3, 1, 1], [1f, 1f, 1f]))]) },
        { "Mul", true, (g, x) => g.Apply("Mul", [x, g.AddInitializer("one", Tensor.Create([1, 1, 1, 1, 1], [1f]))]) },
        { "Sub", false, (g, x) => g.Apply("Sub", [x, g.AddInitializer("zero", Tensor.Scalar(0f))]) },
        { "Add", true, (g, x) => g.Apply("Add", [x, g.AddInitializer("zero", Tensor.Scalar(0f))]) },
        { "Resize", false, (g, x) => g.Apply("Resize", [x, null, g.AddInitializer("scales", Tensor.Vector(1f, 1f, 1f, 1f))], ("mode", "linear")) },
        { "Clip", false, (g, x) => g.Apply("Clip", [g.Apply("Clip", [x, Float(g, -1), Float(g, 1)]), Float(g, -1), Float(g, 1)]) },
        { "AveragePool", false, (g, x) => g.Apply("AveragePool", [x], ("kernel_shape", new long[] { 1, 1 })) },
        { "AveragePool", true, (g, x) => g.Apply("AveragePool", [x], ("kernel_shape", new long[] { 1, 1 }), ("strides", new long[] { 2, 1 })) },
    };

    [Theory, MemberData(nameof(Cases))]
    public void What_does_nothing_goes_and_what_does_something_stays(string opType, bool stays, Func<Graph, Value, Value> apply)
    {
        Model model = Build.Model([2, 3, 4, 4], (g, x) => g.Apply("Neg", [apply(g, g.Apply("Exp", [x]))]));
        int before = PassCheck.Count(model, opType), expected = stays ? before : opType == "Clip" ? 1 : 0;
        foreach (Model placed in new[] { model, Wrapping.InIf(model, conditionAsInput: true) })
            Assert.Equal(expected + PassCheck.Count(placed, opType) - before, PassCheck.Count(PassCheck.Run(pass, placed).Model, opType));
    }

    [Fact]
    public void An_Identity_between_input_and_output_stays_because_both_names_do()
    {
        Model model = Build.Model([2, 3], (g, x) => g.Apply("Identity", [x]));
        (Model changed, PassReport report) = PassCheck.Run(pass, model);
        Assert.Equal(1, changed.Graph.NodeCount);
        Assert.Contains("output's name", Assert.Single(report.Skipped).Reason);
    }

    [Fact]
    public void An_output_keeps_its_name_when_the_Identity_before_it_goes()
    {
        (Model changed, _) = PassCheck.Run(pass, Build.Model([2, 3], (g, x) => g.Apply("Identity", [g.Apply("Exp", [x])])));
        Assert.Equal("y", Assert.Single(changed.Graph.Nodes).Outputs[0]!.Name);
    }

    [Fact]
    public void Two_transposes_become_one() =>
        PassCheck.Leaves(pass, Build.Model([2, 3, 4], (g, x) => g.Apply("Exp", [g.Apply("Transpose", [g.Apply("Transpose", [x], ("perm", new long[] { 1, 0, 2 }))], ("perm", new long[] { 2, 1, 0 }))])), "Transpose", 1);

    [Fact]
    public void A_dynamic_dimension_is_not_taken_for_the_size_it_might_have() =>
        PassCheck.Leaves(pass, Build.Model(["n", 3], (g, x) => g.Apply("Exp", [g.Apply("Slice", [x, Ints(g, 0), Ints(g, 4), Ints(g, 0)])])), "Slice", 1);

    private static Value Ints(Graph g, params long[] values) => g.AddInitializer("i", Tensor.Vector(values));

    private static Value Float(Graph g, float value) => g.AddInitializer("f", Tensor.Scalar(value));
}
