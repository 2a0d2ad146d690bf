using Tersor.Compression.Training;
using Tersor.Compression.Training.Students;
using Tersor.Onnx;
using Tersor.Runtime;
using Tersor.Testing;

namespace Tersor.Compression.Tests.Training.Students;

public sealed class ShallowStudentTests
{
    [Theory]
    [InlineData(1, 4)]
    [InlineData(0.75, 3)]
    [InlineData(0.5, 2)]
    [InlineData(0.4, 2)]
    [InlineData(0, 0)]
    public void The_share_that_is_asked_for_stays(double keep, int left)
    {
        Model teacher = Residual(), student = ShallowStudent.Derive(teacher, keep);
        Assert.Equal(4, ShallowStudent.CountBlocks(teacher));
        Assert.Equal(left, ShallowStudent.CountBlocks(student));
        Assert.Equal(3 + 2 * left, student.Graph.Nodes.Count(n => n.Is("Conv"))); // the first, and two of the block that halves the image
        using ModelSession session = new(student);
        Assert.Equal([2, 8, 4, 4], session.Run(new Dictionary<string, Tensor> { ["x"] = Build.Normal(1, 1, 2, 3, 8, 8) })["y"].Shape);
    }

    [Fact]
    public void What_stays_is_evenly_spread_and_keeps_its_weights()
    {
        Model teacher = Residual(), student = ShallowStudent.Derive(teacher, 0.5);
        Dictionary<string, Tensor> weights = teacher.Graph.Initializers.ToDictionary(v => v.Name, v => v.Tensor!);
        Assert.All(student.Graph.Initializers, v => Assert.True(v.Tensor!.ContentEquals(weights[v.Name])));
        string[] blocks = [.. ResidualBlock.Find(teacher).Select(b => b.Add.Outputs[0]!.Name)];
        Assert.Equal([blocks[1], blocks[3]], ResidualBlock.Find(student).Select(b => b.Add.Outputs[0]!.Name));
    }

    [Fact]
    public void Attention_and_what_follows_it_go_together()
    {
        Model teacher = Build.Model([1, 4], (graph, x) =>
        {
            for (int i = 0; i < 4; i++)
            {
                x = graph.Apply("Add", [x, graph.Apply("Softmax", [Product(graph, x, 3 * i)])]);
                x = graph.Apply("Add", [graph.Apply("Relu", [Product(graph, x, 3 * i + 1)]), x]);
            }
            return graph.Apply("Identity", [x]);
        });
        Model student = ShallowStudent.Derive(teacher, 0.5);
        Assert.Equal(["MatMul Softmax", "MatMul Relu", "MatMul Softmax", "MatMul Relu"], ResidualBlock.Find(student).Select(b => b.Kind));

        static Value Product(Graph graph, Value x, int seed) => graph.Apply("MatMul", [x, graph.AddInitializer("w", Build.Normal(seed, 1, 4, 4))]);
    }

    [Fact]
    public void Sums_that_are_part_of_an_activation_or_change_the_shape_stay()
    {
        Model model = Build.Model([1, 4], (graph, x) =>
        {
            Value cube = graph.Apply("Mul", [graph.Apply("Mul", [x, x]), x]);
            Value wide = graph.Apply("Add", [graph.Apply("Add", [x, cube]), graph.AddInitializer("b", Build.Normal(1, 1, 4))]);
            return graph.Apply("Identity", [graph.Apply("Add", [wide, graph.Apply("MatMul", [wide, graph.AddInitializer("w", Build.Normal(2, 1, 3, 4, 4))])])]);
        });
        TrainingException error = Assert.Throws<TrainingException>(() => ShallowStudent.Derive(model, 0.5));
        Assert.Equal("No part of the teacher adds something to a value of the same shape, so nothing can be left out. Name a student of your own.", error.Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => ShallowStudent.Derive(model, 1.5));
    }

    /// <summary>Two residual blocks of 4 channels, one that halves the image, two of 8 channels.</summary>
    private static Model Residual() => Build.Model(["N", 3, 8, 8], (graph, x) =>
    {
        x = graph.Apply("Relu", [graph.Conv(x, 1, 3, 4)]);
        x = Block(Block(x, 2, 4), 4, 4);
        Value half = graph.Apply("MaxPool", [x], ("kernel_shape", new[] { 2L, 2L }), ("strides", new[] { 2L, 2L }));
        x = graph.Apply("Relu", [graph.Apply("Add", [graph.Conv(half, 6, 4, 8), graph.Conv(half, 7, 4, 8, kernel: 1)])]);
        return Block(Block(x, 8, 8), 10, 8);

        Value Block(Value input, int seed, int channels) =>
            graph.Apply("Relu", [graph.Apply("Add", [graph.Conv(graph.Apply("Relu", [graph.Conv(input, seed, channels, channels)]), seed + 1, channels, channels), input])]);
    });
}
