using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Training.Tests.Weights;

/// <summary>What was asked to stay stays.</summary>
public sealed class FrozenTests
{
    [Theory]
    [InlineData("bn*", false)]
    [InlineData("", false, "norm")]
    [InlineData("", true)]
    public void Statistics_of_a_frozen_normalization_stay(string freeze, bool change, string nodes = "")
    {
        Model model = Build.Model(["n", 2], (graph, x) =>
        {
            Value hidden = graph.Apply("MatMul", [x, graph.AddInitializer("w", Build.Normal(1, 1, 2, 4))]);
            Value Vector(string name, float value) => graph.AddInitializer(name, OnnxTensor.Vector(value, value, value, value));
            Value normal = graph.AddNode("BatchNormalization", [hidden, Vector("bn.scale", 1), Vector("bn.offset", 0), Vector("bn.mean", 0.5f), Vector("bn.var", 2)], ["n"], name: "norm").Outputs[0]!;
            return graph.Apply("MatMul", [normal, graph.AddInitializer("v", Build.Normal(2, 1, 4, 2))]);
        });
        TrainingSettings settings = new() { Epochs = 1, Weights = new() { Freeze = freeze.Length > 0 ? [freeze] : [], FreezeNodes = nodes.Length > 0 ? [nodes] : [] } };
        Model trained = new Trainer(new(model, SmallData.Quadrants(64), settings)).Run(cancellation: TestContext.Current.CancellationToken).Model;
        float[] Numbers(Model of, string name) => of.Graph.Initializers.Single(v => v.Name == name).Tensor!.ToFloats();
        Assert.Equal(change, !Numbers(model, "bn.mean").SequenceEqual(Numbers(trained, "bn.mean")));
        Assert.Equal(change, !Numbers(model, "bn.var").SequenceEqual(Numbers(trained, "bn.var")));
        Assert.NotEqual(Numbers(model, "w"), Numbers(trained, "w"));
    }

    [Fact]
    public void Integers_of_a_frozen_node_stay_and_a_pattern_without_a_node_is_an_error()
    {
        Model model = Build.Model(["n", 2], (graph, x) =>
        {
            Value w = graph.Apply("DequantizeLinear", [graph.AddInitializer("q", OnnxTensor.Create([2, 4], new sbyte[] { 1, -20, 30, 40, 127, -60, 70, -80 })), graph.AddInitializer("s", OnnxTensor.Scalar(0.01f))]);
            Value hidden = graph.AddNode("MatMul", [x, w], ["h"], name: "first").Outputs[0]!;
            return graph.Apply("MatMul", [graph.Apply("Relu", [hidden]), graph.AddInitializer("v", Build.Normal(2, 1, 4, 2))]);
        });
        Model Trained(params string[] nodes) => new Trainer(new(model, SmallData.Quadrants(64), new() { Epochs = 3, LearningRate = 0.05, Weights = new() { FreezeNodes = nodes } })).Run(cancellation: TestContext.Current.CancellationToken).Model;
        long[] Integers(Model of) => of.Graph.Initializers.Single(v => v.Name == "q").Tensor!.ToInt64s();
        Assert.Equal(Integers(model), Integers(Trained("fir*")));
        Assert.NotEqual(Integers(model), Integers(Trained()));
        Assert.Contains("No node of the model has a name like 'frist'", Assert.Throws<TrainingException>(() => Trained("frist")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Unsigned_integers_keep_their_range()
    {
        byte[] integers = [0, 100, 200, 255, 180, 90, 30, 250];
        Model model = Build.Model(["n", 2], (graph, x) => graph.Apply("MatMul", [x, graph.Apply("DequantizeLinear", [graph.AddInitializer("q", OnnxTensor.Create([2, 4], integers)), graph.AddInitializer("s", OnnxTensor.Scalar(0.01f))])]));
        IDataSet data = SmallData.Of(8, "x", random => (OnnxTensor.Create([1, 2], [random.NextSingle(), random.NextSingle()]), OnnxTensor.Create([1, 4], new float[4])));
        Model trained = new Trainer(new(model, data, new() { Epochs = 1, LearningRate = 1e-9, LearnScales = false, WeightDecay = 0 })).Run(cancellation: TestContext.Current.CancellationToken).Model;
        Assert.Equal(integers.Select(i => (long)i), trained.Graph.Initializers.Single(v => v.Name == "q").Tensor!.ToInt64s());
    }

    [Fact]
    public void Zeros_of_a_mask_stay_zero_where_the_weight_has_a_codebook()
    {
        Model model = Build.Model(["n", 2], (graph, x) => graph.Apply("MatMul", [x, graph.AddInitializer("w", OnnxTensor.Create([2, 4], new float[] { 0, 0.5f, -0.5f, 0, 0.5f, 0, 0.2f, -0.5f }))]));
        Value weight = model.Graph.Initializers.Single();
        weight.Constraints.Add(new Constraint.Mask());
        weight.Constraints.Add(new Constraint.Codebook(4));
        IDataSet data = SmallData.Of(64, "x", random => (OnnxTensor.Create([1, 2], [random.NextSingle(), random.NextSingle()]), OnnxTensor.Create([1, 4], new float[] { 1, 2, 3, 4 })));
        float[] trained = new Trainer(new(model, data, new() { Epochs = 5, LearningRate = 0.05, WeightDecay = 0 })).Run(cancellation: TestContext.Current.CancellationToken).Model.Graph.Initializers.Single().Tensor!.ToFloats();
        Assert.Equal([0, 0, 0], new[] { trained[0], trained[3], trained[5] });
        Assert.True(trained.Distinct().Count() <= 4);
        Assert.NotEqual(0.5f, trained[1]);
    }
}
