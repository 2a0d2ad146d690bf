using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Data.Metrics;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Training.Tests;

public sealed class TrainerTests
{
    private static readonly TrainingSettings Quick = new() { Epochs = 20, BatchSize = 16, LearningRate = 0.02, WeightDecay = 0 };

    [Fact]
    public void A_network_learns_exclusive_or_and_the_file_gives_what_training_saw()
    {
        Model model = Network(8, closing: "Softmax");
        IDataSet data = SmallData.Quadrants(400), held = SmallData.Quadrants(200, seed: 2);
        TrainingResult result = new Trainer(new(model, data, Quick) { Validation = held, Metric = Accuracy }).Run(cancellation: TestContext.Current.CancellationToken);
        Assert.True(result.History[^1].Loss < result.History[0].Loss / 2, $"{result.History[0].Loss} to {result.History[^1].Loss}");
        Assert.True(result.Kept > 0.93, $"{result.Kept}");
        Assert.Equal(result.History.Max(h => h.Validation), result.Kept);
        Assert.Equal(["w1", "b1", "w2", "b2"], result.Trained);
        // The same by ONNX Runtime, sample by sample.
        IMetric metric = Accuracy();
        foreach (Sample sample in held.Samples())
            metric.Add(new(sample, [Running.Run(result.Model, sample.Steps[0])], null));
        Assert.Equal(result.Kept!.Value, metric.Value, 6);
    }

    [Fact]
    public void One_probability_is_judged_as_yes_or_no_even_where_its_sigmoid_cannot_be_seen()
    {
        // 1 / (1 + exp(-x)), spelled out.
        Model model = Build.Model(["n", 2], (graph, x) =>
        {
            Value hidden = graph.Apply("Relu", [graph.Apply("MatMul", [x, graph.AddInitializer("w1", Build.Normal(1, 1, 2, 16))])]);
            Value power = graph.Apply("Exp", [graph.Apply("Neg", [graph.Apply("MatMul", [hidden, graph.AddInitializer("w2", Build.Normal(2, 0.5, 16, 1))])])]);
            Value one = graph.AddInitializer("one", OnnxTensor.Scalar(1f));
            return graph.Apply("Div", [one, graph.Apply("Add", [one, power])]);
        });
        TrainingResult result = new Trainer(new(model, SmallData.Quadrants(200), Quick)).Run(cancellation: TestContext.Current.CancellationToken);
        Assert.InRange(result.History[0].Loss, 0.4, 1.5); // ln 2 is a guess
        Assert.True(result.History[^1].Loss < 0.7 * result.History[0].Loss, $"{result.History[0].Loss} to {result.History[^1].Loss}");
    }

    [Fact]
    public void The_model_that_is_given_stays_as_it_is()
    {
        Model model = Network(4);
        byte[] before = Bytes(model);
        new Trainer(new(model, SmallData.Quadrants(64), Quick with { Epochs = 1 })).Run(cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(before, Bytes(model));
    }

    [Fact]
    public void The_same_job_gives_the_same_bytes()
    {
        TrainingJob job = new(Network(8), SmallData.Quadrants(100), Quick with { Epochs = 2, Augmentation = new() { Noise = 0.1 } });
        Assert.Equal(Bytes(new Trainer(job).Run(cancellation: TestContext.Current.CancellationToken).Model), Bytes(new Trainer(job).Run(cancellation: TestContext.Current.CancellationToken).Model));
        Assert.NotEqual(Bytes(new Trainer(job).Run(cancellation: TestContext.Current.CancellationToken).Model),
            Bytes(new Trainer(job with { Settings = job.Settings with { Seed = 1 } }).Run(cancellation: TestContext.Current.CancellationToken).Model));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)] // the end of an epoch
    [InlineData(9)]
    [InlineData(20)]
    [InlineData(21)] // after the last step, before the last epoch is judged
    public void A_run_that_was_stopped_ends_like_one_that_was_not(int stop)
    {
        string checkpoint = Path.GetTempFileName();
        File.Delete(checkpoint);
        TrainingSettings settings = Quick with { Epochs = 3, BatchSize = 15, Average = 0.9, Augmentation = new() { Noise = 0.1 }, Accumulate = 2 };
        TrainingJob whole = new(Network(8), SmallData.Quadrants(200), settings) { Validation = SmallData.Quadrants(60, seed: 3), Metric = Accuracy };
        TrainingJob broken = whole with { Settings = settings with { Checkpoint = checkpoint, CheckpointSeconds = 0 } };
        try
        {
            TrainingResult expected = new Trainer(whole).Run(cancellation: TestContext.Current.CancellationToken);
            using CancellationTokenSource source = new();
            Assert.ThrowsAny<OperationCanceledException>(() => new Trainer(broken).Run(new Stopper(stop, source), source.Token));
            TrainingResult resumed = new Trainer(broken).Run(cancellation: TestContext.Current.CancellationToken);
            Assert.Equal(expected.History, resumed.History);
            Assert.Equal(Bytes(expected.Model), Bytes(resumed.Model));
        }
        finally
        {
            File.Delete(checkpoint);
        }
    }

    [Fact]
    public void A_checkpoint_of_another_job_is_refused()
    {
        string checkpoint = Path.GetTempFileName();
        File.Delete(checkpoint);
        TrainingJob job = new(Network(4), SmallData.Quadrants(32), Quick with { Epochs = 1, Checkpoint = checkpoint });
        try
        {
            new Trainer(job).Run(cancellation: TestContext.Current.CancellationToken);
            TrainingException other = Assert.Throws<TrainingException>(() => new Trainer(job with { Settings = job.Settings with { LearningRate = 0.5 } }).Run());
            Assert.Contains("other settings", other.Message, StringComparison.Ordinal);
            File.WriteAllBytes(checkpoint, File.ReadAllBytes(checkpoint)[..40]);
            TrainingException torn = Assert.Throws<TrainingException>(() => new Trainer(job).Run());
            Assert.Contains("no checkpoint", torn.Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(checkpoint);
        }
    }

    [Fact]
    public void Numbers_that_run_away_are_named_and_training_goes_back()
    {
        TrainingResult result = new Trainer(RunsAway()).Run(cancellation: TestContext.Current.CancellationToken);
        Assert.NotEmpty(result.Incidents);
        Assert.Contains("Log", result.Incidents[0], StringComparison.Ordinal);
        Assert.All(result.Model.Graph.Initializers, v => Assert.All(v.Tensor!.ToFloats(), x => Assert.True(float.IsFinite(x))));
    }

    [Theory]
    [InlineData(true), InlineData(false)]
    public void A_sample_with_NaN_is_named_instead_of_the_learning_rate(bool heldOut)
    {
        IDataSet good = SmallData.Quadrants(64), bad = With(good, 37, float.NaN);
        TrainingJob job = new(Network(4), heldOut ? good : bad, Quick with { Epochs = 2 }) { Validation = heldOut ? bad : null };
        string message = Assert.Throws<TrainingException>(() => new Trainer(job).Run(cancellation: TestContext.Current.CancellationToken)).Message;
        Assert.Contains("Sample '37' has NaN in 'x'", message, StringComparison.Ordinal);
        Assert.DoesNotContain("--learning-rate", message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_infinite_number_is_named_and_the_loss_of_the_epoch_is_that_of_what_was_learned_from()
    {
        IDataSet data = SmallData.Quadrants(64);
        TrainingSettings steady = Quick with { Epochs = 1, LearningRate = 1e-12 };
        TrainingResult expected = new Trainer(new(Network(4), data, steady)).Run(cancellation: TestContext.Current.CancellationToken);
        TrainingResult found = new Trainer(new(Network(4), With(data, 37, float.PositiveInfinity), steady)).Run(cancellation: TestContext.Current.CancellationToken);
        Assert.Contains("sample '37' has an infinite number in 'x'", Assert.Single(found.Incidents), StringComparison.Ordinal);
        Assert.InRange(found.History[0].Loss / expected.History[0].Loss, 0.9, 1.1); // of three groups, not of four
    }

    private static InMemoryDataSet With(IDataSet data, int index, float number) => new("made up", [.. data.Samples().Select((s, i) => i != index ? s
        : s with { Steps = [new Dictionary<string, OnnxTensor> { ["x"] = OnnxTensor.Create([1, 2], new[] { number, 0.5f }) }] })]);

    [Fact]
    public void A_run_that_was_stopped_knows_what_to_go_back_to()
    {
        string checkpoint = Path.GetTempFileName();
        File.Delete(checkpoint);
        TrainingJob whole = RunsAway();
        TrainingJob broken = whole with { Settings = whole.Settings with { Checkpoint = checkpoint } };
        try
        {
            TrainingResult expected = new Trainer(whole).Run(cancellation: TestContext.Current.CancellationToken);
            using CancellationTokenSource source = new();
            Assert.ThrowsAny<OperationCanceledException>(() => new Trainer(broken).Run(new Stopper(1, source), source.Token)); // before it goes wrong
            TrainingResult resumed = new Trainer(broken).Run(cancellation: TestContext.Current.CancellationToken);
            Assert.Equal(expected.Incidents, resumed.Incidents);
            Assert.Equal(Bytes(expected.Model), Bytes(resumed.Model));
        }
        finally
        {
            File.Delete(checkpoint);
        }
    }

    /// <summary>A logarithm of what becomes negative as the weights grow.</summary>
    private static TrainingJob RunsAway()
    {
        Model model = Build.Model(["n", 2], (graph, x) =>
        {
            Value scaled = graph.Apply("MatMul", [x, graph.AddInitializer("w1", OnnxTensor.Create([2, 2], new[] { 0.01f, 0, 0, 0.01f }))]);
            Value shifted = graph.Apply("Add", [scaled, graph.AddInitializer("one", OnnxTensor.Scalar(1f))]);
            return graph.Apply("Log", [shifted]);
        });
        IDataSet data = SmallData.Of(64, "x", random => (OnnxTensor.Create([1, 2], new[] { random.NextSingle(), random.NextSingle() }), OnnxTensor.Create([1, 2], new[] { -1f, -1f })));
        return new(model, data, Quick with { LearningRate = 2, Epochs = 4, Optimizer = new TrainingOptimizer.Sgd(0), ClipNorm = null, Schedule = new LearningRateSchedule.Constant() });
    }

    [Fact]
    public void Zeros_of_a_mask_stay_zero_and_the_rest_is_trained()
    {
        Model model = Network(8);
        Value weight = model.Graph.Initializers.First(v => v.Name == "w1");
        float[] values = weight.Tensor!.ToFloats();
        for (int i = 0; i < values.Length; i += 2)
            values[i] = 0;
        weight.SetTensor(OnnxTensor.Create(weight.Tensor.Shape.AsSpan(), values));
        weight.Constraints.Add(new Constraint.Mask());
        Model trained = new Trainer(new(model, SmallData.Quadrants(100), Quick with { Epochs = 2, WeightDecay = 0.1 })).Run(cancellation: TestContext.Current.CancellationToken).Model;
        float[] after = trained.Graph.Initializers.First(v => v.Name == "w1").Tensor!.ToFloats();
        Assert.All(values.Zip(after), pair => Assert.Equal(pair.First == 0, pair.Second == 0));
        Assert.NotEqual(values, after);
    }

    [Fact]
    public void Tied_weights_stay_equal()
    {
        Model model = Build.Model(["n", 2], (graph, x) =>
        {
            Value first = graph.AddInitializer("w1", Build.Normal(1, 1, 2, 2)), second = graph.AddInitializer("w2", Build.Normal(1, 1, 2, 2));
            first.Constraints.Add(new Constraint.Tie("pair"));
            second.Constraints.Add(new Constraint.Tie("pair"));
            return graph.Apply("MatMul", [graph.Apply("Relu", [graph.Apply("MatMul", [x, first])]), second]);
        });
        Model trained = new Trainer(new(model, SmallData.Quadrants(100), Quick with { Epochs = 2 })).Run(cancellation: TestContext.Current.CancellationToken).Model;
        OnnxTensor[] weights = [.. trained.Graph.Initializers.Select(v => v.Tensor!)];
        Assert.True(weights[0].ContentEquals(weights[1]));
        Assert.False(weights[0].ContentEquals(Build.Normal(1, 1, 2, 2)));
    }

    [Fact]
    public void A_codebook_keeps_its_size_and_a_grid_its_steps()
    {
        Model model = Network(8);
        Value coded = model.Graph.Initializers.First(v => v.Name == "w1"), gridded = model.Graph.Initializers.First(v => v.Name == "w2");
        coded.SetTensor(OnnxTensor.Create(coded.Tensor!.Shape.AsSpan(), [.. coded.Tensor.ToFloats().Select(x => MathF.Round(x) / 2)]));
        int size = coded.Tensor!.ToFloats().Distinct().Count();
        coded.Constraints.Add(new Constraint.Codebook(size));
        gridded.Constraints.Add(new Constraint.Grid(4, null));
        float step = gridded.Tensor!.ToFloats().Max(MathF.Abs) / 7;
        Model trained = new Trainer(new(model, SmallData.Quadrants(200), Quick with { Epochs = 3 })).Run(cancellation: TestContext.Current.CancellationToken).Model;
        float[] shared = trained.Graph.Initializers.First(v => v.Name == "w1").Tensor!.ToFloats(), grid = trained.Graph.Initializers.First(v => v.Name == "w2").Tensor!.ToFloats();
        Assert.InRange(shared.Distinct().Count(), 2, size);
        Assert.NotEqual(coded.Tensor.ToFloats().Distinct().Order(), shared.Distinct().Order());
        Assert.All(grid, x => Assert.Equal(MathF.Round(x / step), x / step, 3));
        Assert.NotEqual(gridded.Tensor.ToFloats(), grid);
    }

    [Fact]
    public void Frozen_weights_stay_and_a_pattern_that_matches_nothing_is_an_error()
    {
        Model model = Network(8);
        TrainingSettings settings = Quick with { Epochs = 1, Weights = new() { Freeze = ["*1"] } };
        TrainingResult result = new Trainer(new(model, SmallData.Quadrants(64), settings)).Run(cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(["w2", "b2"], result.Trained);
        Assert.Contains(result.Untouched, u => u.Name == "w1" && u.Reason.Contains("frozen by '*1'", StringComparison.Ordinal));
        Assert.True(result.Model.Graph.Initializers.First(v => v.Name == "w1").Tensor!.ContentEquals(model.Graph.Initializers.First(v => v.Name == "w1").Tensor!));
        TrainingException none = Assert.Throws<TrainingException>(() => new Trainer(new(model, SmallData.Quadrants(8), Quick with { Weights = new() { Freeze = ["layer7*"] } })).Run());
        Assert.Contains("layer7*", none.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Data_without_labels_and_unusable_settings_are_errors_with_a_way_out()
    {
        InMemoryDataSet unlabelled = new("bare", [new("0", [new Dictionary<string, OnnxTensor> { ["x"] = OnnxTensor.Create([1, 2], new[] { 1f, 2f }) }], new Dictionary<string, OnnxTensor>())]);
        Assert.Contains("teacher", Assert.Throws<TrainingException>(() => new Trainer(new(Network(4), unlabelled, Quick)).Run()).Message, StringComparison.Ordinal);
        IDataSet beyond = SmallData.Of(8, "x", random => (OnnxTensor.Create([1, 2], new[] { random.NextSingle(), 0 }), OnnxTensor.Create([1], new[] { 2L })));
        Assert.Contains("Labels hold classes 2 to 2, and the output has 2", Assert.Throws<TrainingException>(() => new Trainer(new(Network(4), beyond, Quick)).Run()).Message, StringComparison.Ordinal);
        Assert.Contains("LearningRate is -1", Assert.Throws<TrainingException>(() => new Trainer(new(Network(4), SmallData.Quadrants(4), Quick with { LearningRate = -1 }))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_with_state_is_trained_through_time()
    {
        // y = running sum with a learned factor: only a state that gradients flow through can find it.
        Model model = Build.Model([1, 1], (graph, x) =>
        {
            Value state = graph.AddInput("s", OnnxType.Of(ElementType.Float32, [1, 1]));
            Value next = graph.Apply("Add", [graph.Apply("MatMul", [state, graph.AddInitializer("w", OnnxTensor.Create([1, 1], new[] { 0.1f }))]), x]);
            next.Type = new OnnxType.Tensor(ElementType.Float32, null);
            next.Rename("n");
            graph.AddOutput(next);
            return graph.Apply("Identity", [next]);
        });
        Random random = new(4);
        Sample[] samples = [.. Enumerable.Range(0, 24).Select(i =>
        {
            float[] inputs = [.. Enumerable.Range(0, 12).Select(_ => random.NextSingle())];
            float sum = 0;
            float[] sums = [.. inputs.Select(x => sum = 0.8f * sum + x)];
            return new Sample($"{i}", [.. inputs.Select((x, t) => t == 0
                ? new Dictionary<string, OnnxTensor> { ["x"] = OnnxTensor.Create([1, 1], new[] { x }), ["s"] = OnnxTensor.Create([1, 1], new[] { 0f }) }
                : new Dictionary<string, OnnxTensor> { ["x"] = OnnxTensor.Create([1, 1], new[] { x }) })], new Dictionary<string, OnnxTensor> { ["label"] = OnnxTensor.Create([12], sums) });
        })];
        InMemoryDataSet data = new("sums", samples, new Dictionary<string, string> { ["n"] = "s" });
        TrainingSettings settings = Quick with { BatchSize = 4, Epochs = 30, LearningRate = 0.05, SequenceWindow = 5, Loss = new TrainingLoss.MeanSquaredError { Output = "y" } };
        Model trained = new Trainer(new(model, data, settings)).Run(cancellation: TestContext.Current.CancellationToken).Model;
        Assert.Equal(0.8f, trained.Graph.Initializers.First(v => v.Name == "w").Tensor!.ToFloats()[0], 0.02f);
    }

    [Fact]
    public void A_loss_that_labels_do_not_fit_is_refused_in_words()
    {
        Model model = Network(4);
        foreach ((TrainingLoss loss, string said) in new (TrainingLoss, string)[] { (new TrainingLoss.Ctc(), "Labels are numbers"), (new TrainingLoss.MeanSquaredError(), "number with number"), (new TrainingLoss.BinaryCrossEntropy(), "number with number") })
            Assert.Contains(said, Assert.Throws<TrainingException>(() => new Trainer(new(model, SmallData.Quadrants(8), Quick with { Loss = loss })).Run(cancellation: TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
        IDataSet texts = SmallData.Of(8, "x", _ => (OnnxTensor.Create([1, 2], new[] { 1f, 2f }), OnnxTensor.FromStrings([1], ["ab"])));
        Assert.Contains("is text", Assert.Throws<TrainingException>(() => new Trainer(new(model, texts, Quick with { Loss = new TrainingLoss.CrossEntropy() })).Run(cancellation: TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folded_normalization_is_there_while_training_from_scratch_and_folded_in_again()
    {
        Model model = Build.Model(["n", 2, 4, 4], (graph, x) =>
        {
            Value y = graph.Apply("Relu", [graph.Conv(x, 1, 2, 6)]);
            y = graph.Apply("Relu", [graph.Apply("Add", [graph.Conv(y, 2, 6, 6), y])]);
            Value pooled = graph.Apply("GlobalAveragePool", [y]);
            Value gate = graph.Apply("Sigmoid", [graph.Conv(graph.Apply("Relu", [graph.Conv(pooled, 3, 6, 3, kernel: 1)]), 4, 3, 6, kernel: 1)]);
            return graph.Apply("MatMul", [graph.Apply("Flatten", [graph.Apply("Mul", [pooled, gate])]), graph.AddInitializer("w", Build.Normal(5, 0.5, 6, 2))]);
        });
        IDataSet data = SmallData.Of(256, "x", random =>
        {
            float[] picture = [.. Enumerable.Range(0, 32).Select(_ => random.NextSingle())];
            return (OnnxTensor.Create([1, 2, 4, 4], picture), OnnxTensor.Create([1], new[] { picture[..16].Sum() > picture[16..].Sum() ? 1L : 0L }));
        });
        TrainingSettings settings = Quick with { Reinitialize = true, Epochs = 6, KeepBest = false };
        TrainingResult result = new Trainer(new(model, data, settings) { Validation = data, Metric = Accuracy }).Run(cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(model.Graph.Nodes.Select(n => n.OpType), result.Model.Graph.Nodes.Select(n => n.OpType));
        Assert.True(result.History[^1].Validation > 0.9, $"{result.History[^1].Validation}");
        // What was measured with the normalizations in place is what the file without them gives.
        IMetric metric = Accuracy();
        foreach (Sample sample in data.Samples())
            metric.Add(new(sample, [Running.Run(result.Model, sample.Steps[0])], null));
        Assert.Equal(result.History[^1].Validation!.Value, metric.Value, 2);
    }

    private static IMetric Accuracy() => MetricCatalog.Create(new("top-1", new Dictionary<string, string>()), ".");

    private static byte[] Bytes(Model model) => model.ToBytes();

    private static Model Network(int hidden, string? closing = null) => Build.Model(["n", 2], (graph, x) =>
    {
        Value first = graph.Apply("Gemm", [x, graph.AddInitializer("w1", Build.Normal(5, 1, 2, hidden)), graph.AddInitializer("b1", Build.Normal(6, 0.1, hidden))]);
        Value second = graph.Apply("Gemm", [graph.Apply("Relu", [first]), graph.AddInitializer("w2", Build.Normal(7, 0.5, hidden, 2)), graph.AddInitializer("b2", Build.Normal(8, 0.1, 2))]);
        return closing is null ? second : graph.Apply(closing, [second]);
    });

    private sealed class Stopper(int step, CancellationTokenSource source) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Step == step)
                source.Cancel();
        }
    }
}
