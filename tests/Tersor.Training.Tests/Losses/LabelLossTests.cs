using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Onnx.Roles;
using Tersor.Testing;

namespace Tersor.Training.Tests.Losses;

/// <summary>What labels are judged by, and what cannot be judged.</summary>
public sealed class LabelLossTests
{
    private static readonly TrainingSettings Quick = new() { Epochs = 30, BatchSize = 16, LearningRate = 0.02, WeightDecay = 0, KeepBest = false };

    [Theory]
    [InlineData("Softmax", "QuantizeLinear DequantizeLinear")]
    [InlineData("Softmax", "Reshape")]
    [InlineData("Sigmoid", "Identity QuantizeLinear DequantizeLinear Cast")]
    [InlineData("LogSoftmax", "Flatten")]
    public void What_changes_no_order_of_numbers_is_looked_through(string closing, string behind)
    {
        Model model = Build.Model([2, 3], (graph, x) =>
        {
            Value y = graph.Apply(closing, [graph.Apply("MatMul", [x, graph.AddInitializer("w", Build.Normal(1, 1, 3, 3))])]);
            Value scale = graph.AddInitializer("scale", OnnxTensor.Scalar(1 / 255f)), zero = graph.AddInitializer("zero", OnnxTensor.Scalar((byte)0)), shape = graph.AddInitializer("shape", OnnxTensor.Vector(2L, 3L));
            foreach (string op in behind.Split(' '))
            {
                y = op switch
                {
                    "QuantizeLinear" or "DequantizeLinear" => graph.Apply(op, [y, scale, zero]),
                    "Reshape" => graph.Apply(op, [y, shape]),
                    "Cast" => graph.Apply(op, [y], ("to", (long)ElementType.Float32)),
                    _ => graph.Apply(op, [y]),
                };
            }
            return y;
        });
        OutputEnding output = OutputEnding.Of(model.Graph.Outputs[0]);
        Assert.Equal(closing, output.Closing);
        Assert.True(output.Logits.Producer!.Is("MatMul"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void One_number_for_each_class_behind_a_softmax_is_its_share(bool integers)
    {
        IDataSet data = SmallData.Of(200, "x", random =>
        {
            float[] x = [2 * random.NextSingle() - 1, 2 * random.NextSingle() - 1];
            int answer = x[0] > x[1] ? 1 : 0;
            return (OnnxTensor.Create([1, 2], x), integers ? OnnxTensor.Create([1, 2], new long[] { 1 - answer, answer }) : OnnxTensor.Create([1, 2], new float[] { 1 - answer, answer }));
        });
        Model model = Build.Model(["n", 2], (graph, x) => graph.Apply("Softmax", [graph.Apply("MatMul", [x, graph.AddInitializer("w", Build.Normal(1, 0.1, 2, 2))])]));
        TrainingResult result = new Trainer(new(model, data, Quick)).Run(cancellation: TestContext.Current.CancellationToken);
        // Cross-entropy of two classes begins near ln 2; two yes-or-no answers would begin there too, but share their weights in another way.
        Assert.InRange(result.History[0].Loss, 0.3, 0.75);
        Assert.True(result.History[^1].Loss < 0.3, $"{result.History[^1].Loss}");
        foreach (Sample sample in data.Samples().Take(50))
        {
            float[] said = Running.Run(result.Model, sample.Steps[0])["y"].ToFloats();
            if (Math.Abs(said[0] - 0.5f) > 0.2f)
                Assert.Equal(sample.Labels["label"].ToDoubles()[1] > 0.5, said[1] > 0.5f);
        }
    }

    [Fact]
    public void Weights_that_have_no_part_in_the_loss_are_an_error_in_words()
    {
        Model model = Build.Model(["n", 2], (graph, x) =>
        {
            graph.AddOutput(graph.Apply("MatMul", [x, graph.AddInitializer("aside", Build.Normal(2, 1, 2, 2))]));
            return graph.Apply("MatMul", [x, graph.AddInitializer("w", Build.Normal(1, 1, 2, 2))]);
        });
        TrainingSettings settings = Quick with { Weights = new() { Freeze = ["w"] }, Loss = new TrainingLoss.CrossEntropy() { Output = "y" } };
        TrainingException error = Assert.Throws<TrainingException>(() => new Trainer(new(model, SmallData.Quadrants(20), settings)).Run());
        Assert.StartsWith("Nothing that is trained has a part in the loss.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_output_of_integers_is_passed_over_and_refused_where_it_is_named()
    {
        Model model = Build.Model(["n", 2], (graph, x) =>
        {
            Value scores = graph.Apply("MatMul", [x, graph.AddInitializer("w", Build.Normal(1, 1, 2, 2))]), best = graph.Apply("ArgMax", [scores], ("axis", 1L));
            best.Type = new OnnxType.Tensor(ElementType.Int64, null);
            graph.AddOutput(best);
            return graph.Apply("Identity", [scores]);
        });
        TrainingResult result = new Trainer(new(model, SmallData.Quadrants(20), Quick with { Epochs = 1 })).Run(cancellation: TestContext.Current.CancellationToken);
        Assert.Single(result.History);
        string integers = model.Graph.Outputs[0].Name;
        TrainingException error = Assert.Throws<TrainingException>(() => new Trainer(new(model, SmallData.Quadrants(20), Quick with { Loss = new TrainingLoss.CrossEntropy() { Output = integers } })).Run());
        Assert.StartsWith($"Output '{integers}' holds Int64", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)] // labels of floats
    [InlineData(false, true)]
    public void One_number_without_a_sigmoid_is_a_logit(bool floats, bool asked)
    {
        // All of it lies between 0 and 1 at the start, and is no share of 1 all the same.
        Model model = Build.Model(["n", 2], (graph, x) => graph.Apply("Gemm", [x, graph.AddInitializer("w", Build.Normal(1, 0.01, 2, 1)), graph.AddInitializer("b", OnnxTensor.Vector(0.5f))]));
        IDataSet data = Sides(floats);
        TrainingResult result = new Trainer(new(model, data, Quick with { Loss = asked ? new TrainingLoss.BinaryCrossEntropy() : new TrainingLoss.Auto() })).Run(cancellation: TestContext.Current.CancellationToken);
        Assert.Equal("binary cross-entropy of output 'y', taken as logits, with label 'label'", result.Loss);
        Assert.True(result.History[^1].Loss < 0.3, $"{result.History[^1].Loss}");
        Assert.Contains(data.Samples().Select(s => Running.Run(result.Model, s.Steps[0])["y"].ToFloats()[0]), y => y < -2); // no share of 1 would be
    }

    [Theory]
    [InlineData("Sigmoid", "whose Sigmoid is looked through")]
    [InlineData("If", "whose Sigmoid is looked through")]
    [InlineData("Clip", "whose Sigmoid is looked through")]
    [InlineData("Relu", "taken as logits")]
    public void Shares_are_told_from_logits_by_how_they_are_computed(string closing, string said)
    {
        Model model = Build.Model(["n", 2], (graph, x) => Closed(graph, graph.Apply("Gemm", [x, graph.AddInitializer("w", Build.Normal(1, 0.1, 2, 1)), graph.AddInitializer("b", OnnxTensor.Vector(0.5f))]), closing));
        TrainingResult result = new Trainer(new(model, Sides(floats: false), Quick with { Epochs = 1 })).Run(cancellation: TestContext.Current.CancellationToken);
        Assert.Equal($"binary cross-entropy of output 'y', {said}, with label 'label'", result.Loss);
    }

    [Fact]
    public void Floats_that_are_not_all_0_and_1_are_values()
    {
        Model model = Build.Model(["n", 2], (graph, x) => graph.Apply("MatMul", [x, graph.AddInitializer("w", Build.Normal(1, 0.1, 2, 1))]));
        foreach (float other in new[] { 0f, 0.5f })
        {
            IDataSet data = SmallData.Of(64, "x", random => (OnnxTensor.Create([1, 2], new[] { random.NextSingle(), random.NextSingle() }), OnnxTensor.Create([1, 1], new[] { other })));
            Assert.StartsWith("mean squared error of output 'y'", new Trainer(new(model, data, Quick with { Epochs = 1 })).Run(cancellation: TestContext.Current.CancellationToken).Loss, StringComparison.Ordinal);
        }
    }

    /// <summary>Which side of a line a point lies on.</summary>
    private static IDataSet Sides(bool floats) => SmallData.Of(400, "x", random =>
    {
        float[] x = [2 * random.NextSingle() - 1, 2 * random.NextSingle() - 1];
        int side = x[0] > x[1] ? 1 : 0;
        return (OnnxTensor.Create([1, 2], x), floats ? OnnxTensor.Create([1], new[] { (float)side }) : OnnxTensor.Create([1], new[] { (long)side }));
    });

    private static Value Closed(Graph graph, Value y, string closing)
    {
        switch (closing)
        {
            case "Clip":
                return graph.Apply("Clip", [y, graph.AddInitializer("least", OnnxTensor.Scalar(0f)), graph.AddInitializer("most", OnnxTensor.Scalar(1f))]);
            case "If":
                Graph[] branches = [graph.NewBody("then"), graph.NewBody("else")];
                foreach (Graph branch in branches)
                    branch.AddOutput(branch.Apply("Sigmoid", [y]));
                return graph.Apply("If", [graph.AddInitializer("always", OnnxTensor.Scalar(true))], ("then_branch", branches[0]), ("else_branch", branches[1]));
            default:
                return graph.Apply(closing, [y]);
        }
    }
}
