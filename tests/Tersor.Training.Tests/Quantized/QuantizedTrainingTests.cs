using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Pipeline.Quantization;
using Tersor.Testing;

namespace Tersor.Training.Tests.Quantized;

/// <summary>Training of models that hold integers.</summary>
public sealed class QuantizedTrainingTests
{
    private static readonly TrainingSettings Settings = new() { Epochs = 30, BatchSize = 20, LearningRate = 0.02, WeightDecay = 0, Loss = new TrainingLoss.MeanSquaredError(), KeepBest = false };

    [Theory]
    [InlineData(ElementType.Int8, 127)]
    [InlineData(ElementType.Int4, 7)]
    [InlineData(ElementType.Int4, 3)]
    [InlineData(ElementType.Int2, 1)]
    public void The_file_gives_what_training_saw_and_keeps_its_bits(ElementType type, int limit)
    {
        Model model = Layer(type, limit);
        IDataSet data = SmallData.Of(200, "x", random => Pair(random));
        TrainingResult result = new Trainer(new(model, data, Settings) { Validation = data }).Run(cancellation: TestContext.Current.CancellationToken);
        Assert.True(result.History[^1].Validation < 0.7 * result.History[0].Loss, $"{result.History[0].Loss} to {result.History[^1].Validation}");
        // The loss by ONNX Runtime is the one that training measured last.
        double sum = 0;
        foreach (Sample sample in data.Samples())
            sum += Running.Run(result.Model, sample.Steps[0])["y"].ToFloats().Zip(sample.Labels["label"].ToFloats(), (a, b) => (a - b) * (a - b)).Average();
        Assert.Equal(result.History[^1].Validation!.Value, sum / data.Count, 3);
        OnnxTensor weight = result.Model.Graph.Initializers.First(v => v.Name == "w").Tensor!;
        Assert.Equal(type, weight.Type);
        Assert.All(weight.ToInt64s(), q => Assert.InRange(q, -limit, limit));
        Assert.NotEqual(model.Graph.Initializers.First(v => v.Name == "w").Tensor!.ToInt64s(), weight.ToInt64s());
    }

    [Fact]
    public void The_scale_of_a_bias_is_the_product_of_those_of_input_and_weight()
    {
        TrainingResult result = new Trainer(new(Layer(ElementType.Int8, 127), SmallData.Of(100, "x", random => Pair(random)), Settings with { Epochs = 2 })).Run(cancellation: TestContext.Current.CancellationToken);
        float[] Numbers(string name) => result.Model.Graph.Initializers.First(v => v.Name == name).Tensor!.ToFloats();
        Assert.Equal(Numbers("ws").Select(s => s * Numbers("xs")[0]), Numbers("bs"));
        Assert.NotEqual(0.02f, Numbers("xs")[0]);
    }

    [Fact]
    public void Fixed_scales_stay()
    {
        TrainingResult result = new Trainer(new(Layer(ElementType.Int8, 127), SmallData.Of(100, "x", random => Pair(random)), Settings with { Epochs = 1, LearnScales = false, Weights = new() { Freeze = ["w"] } })).Run(cancellation: TestContext.Current.CancellationToken);
        foreach (string scale in (string[])["xs", "ws", "bs", "ys"])
            Assert.Equal(Layer(ElementType.Int8, 127).Graph.Initializers.First(v => v.Name == scale).Tensor!.ToFloats(), result.Model.Graph.Initializers.First(v => v.Name == scale).Tensor!.ToFloats());
        Assert.Equal(Layer(ElementType.Int8, 127).Graph.Initializers.First(v => v.Name == "w").Tensor!.ToInt64s(), result.Model.Graph.Initializers.First(v => v.Name == "w").Tensor!.ToInt64s());
    }

    [Fact]
    public void Training_starts_from_the_weights_that_integers_were_rounded_from()
    {
        Model model = Layer(ElementType.Int2, 1);
        OnnxTensor whole = OnnxTensor.Create([3, 4], Enumerable.Range(0, 12).Select(i => (i % 5 - 2) * 0.013f).ToArray());
        TrainingJob job = new(model, SmallData.Of(20, "x", random => Pair(random)), Settings with { Epochs = 1, LearningRate = 1e-9, LearnScales = false }) { Latent = new Dictionary<string, OnnxTensor> { ["w"] = whole } };
        long[] integers = new Trainer(job).Run(cancellation: TestContext.Current.CancellationToken).Model.Graph.Initializers.First(v => v.Name == "w").Tensor!.ToInt64s();
        float[] scales = model.Graph.Initializers.First(v => v.Name == "ws").Tensor!.ToFloats();
        Assert.Equal(whole.ToFloats().Select((x, i) => Math.Clamp((long)MathF.Round(x / scales[i / 4]), -1, 1)), integers);
    }

    [Fact]
    public void A_network_with_hard_swish_in_integers_trains_from_where_it_is()
    {
        // The shift by 3 is a constant in unsigned integers, 255 of them: it is no weight, and it is not clipped to 127.
        Model model = Build.Model(["n", 3, 6, 6], (graph, x) =>
        {
            Value hidden = graph.Conv(x, 1, 3, 8), gate = graph.Apply("HardSigmoid", [hidden], ("alpha", 1 / 6f), ("beta", 0.5f));
            return graph.Apply("Flatten", [graph.Conv(graph.Apply("Mul", [hidden, gate]), 2, 8, 4)]);
        });
        IDataSet data = SmallData.Of(64, "x", random => (OnnxTensor.Create([1, 3, 6, 6], [.. Enumerable.Range(0, 108).Select(_ => 4 * random.NextSingle() - 2)]), OnnxTensor.Create([1], new[] { 0L })));
        TrainingSettings settings = new() { Epochs = 1, BatchSize = 64, LearningRate = 1e-9, WeightDecay = 0, Loss = new TrainingLoss.None(), KeepBest = false };
        QuantizeResult result = Trained(settings);
        Assert.Equal((255, 3f), Shift(result.Model));
        Assert.Equal(result.Candidates[1].Sqnr!.Value, result.Candidates[0].Sqnr!.Value, 1.0);
        Assert.Equal((255, 3f), Shift(Trained(settings with { Epochs = 20, LearningRate = 0.02 }).Model));

        QuantizeResult Trained(TrainingSettings how) => new QuantizeJob(new() { RequireSpeed = false }) { Training = new(new TorchTraining(), how, data) }.Run(model, data, null, null, cancellation: TestContext.Current.CancellationToken);

        static (long Integer, float Number) Shift(Model quantized)
        {
            Node constant = quantized.AllNodes().Single(n => n.Is("Add") && n.Inputs[1]!.Producer?.Input(0)?.Tensor is { Type: ElementType.UInt8, Length: 1 }).Inputs[1]!.Producer!;
            long integer = constant.Inputs[0]!.Tensor!.ToInt64s()[0];
            return (integer, MathF.Round(integer * constant.Inputs[1]!.Tensor!.ToFloats()[0], 5));
        }
    }

    [Fact]
    public void Zeros_of_a_masked_weight_stay()
    {
        Model model = Layer(ElementType.Int8, 127);
        Value weight = model.Graph.Initializers.First(v => v.Name == "w");
        sbyte[] integers = [.. weight.Tensor!.ToInt64s().Select((q, i) => (sbyte)(i % 2 == 0 ? 0 : q))];
        weight.SetTensor(OnnxTensor.Create(weight.Tensor.Shape.AsSpan(), integers));
        weight.Constraints.Add(new Constraint.Mask());
        Model trained = new Trainer(new(model, SmallData.Of(100, "x", random => Pair(random)), Settings)).Run(cancellation: TestContext.Current.CancellationToken).Model;
        Assert.All(trained.Graph.Initializers.First(v => v.Name == "w").Tensor!.ToInt64s().Where((_, i) => i % 2 == 0), q => Assert.Equal(0, q));
    }

    /// <summary>y = x A + b, for some A and b of three columns.</summary>
    private static (OnnxTensor Input, OnnxTensor Label) Pair(Random random)
    {
        float[] x = [.. Enumerable.Range(0, 4).Select(_ => 2 * random.NextSingle() - 1)];
        return (OnnxTensor.Create([1, 4], x), OnnxTensor.Create([1, 3], new[] { x[0] - x[1] + 0.3f, x[2] + x[3], 0.5f - x[0] }));
    }

    /// <summary>A fully connected layer in integers, as static quantization writes it.</summary>
    private static Model Layer(ElementType type, int limit)
    {
        Model model = new(25, 13);
        Graph graph = model.Graph;
        Value x = graph.AddInput("x", new OnnxType.Tensor(ElementType.Float32, ["n", 4]));
        Value Quantized(Value value, float scale, byte zero, string name)
        {
            Value s = graph.AddInitializer($"{name}s", OnnxTensor.Scalar(scale)), z = graph.AddInitializer($"{name}z", OnnxTensor.Scalar(zero));
            return graph.AddNode("DequantizeLinear", [graph.AddNode("QuantizeLinear", [value, s, z], [$"{name}q"]).Outputs[0], s, z], [name == "y" ? "y" : $"{name}d"]).Outputs[0]!;
        }

        Random random = new(3);
        int[] integers = [.. Enumerable.Range(0, 12).Select(i => i % 4 == 0 ? limit : random.Next(-limit, limit + 1))];
        Value weight = graph.AddInitializer("w", type == ElementType.Int8 ? OnnxTensor.Create([3, 4], Array.ConvertAll(integers, q => (sbyte)q)) : OnnxTensor.FromPacked(type, [3, 4], integers));
        if (type != ElementType.Int8)
            weight = graph.AddNode("Cast", [weight], ["w8"], [new("to", (NodeAttribute)(long)ElementType.Int8)]).Outputs[0]!;
        float[] scales = [.. new[] { 0.9f, 1f, 1.1f }.Select(s => s / limit)];
        KeyValuePair<string, NodeAttribute> axis = new("axis", (NodeAttribute)0L);
        Value w = graph.AddNode("DequantizeLinear", [weight, graph.AddInitializer("ws", OnnxTensor.Create([3], scales))], ["wd"], [axis]).Outputs[0]!;
        Value b = graph.AddNode("DequantizeLinear", [graph.AddInitializer("b", OnnxTensor.Create([3], new[] { 10, -20, 30 })), graph.AddInitializer("bs", OnnxTensor.Create([3], scales.Select(s => s * 0.02f).ToArray()))], ["bd"], [axis]).Outputs[0]!;
        Value y = graph.AddNode("Gemm", [Quantized(x, 0.02f, 128, "x"), w, b], ["g"], [new("transB", (NodeAttribute)1L)]).Outputs[0]!;
        graph.AddOutput(Quantized(y, 0.03f, 128, "y"));
        return model;
    }
}
