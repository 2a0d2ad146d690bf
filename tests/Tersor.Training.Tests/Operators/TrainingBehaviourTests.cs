using Tersor.Onnx;
using Tersor.Training.Execution;
using static TorchSharp.torch;

namespace Tersor.Training.Tests.Operators;

/// <summary>What operators do in training that differs from what they do in use, and gradients that are not those of the values.</summary>
public sealed class TrainingBehaviourTests
{
    [Fact]
    public void Scale_and_values_have_the_gradients_of_learned_step_sizes()
    {
        // Inside the range, beyond it on either side, and a tie: v = x / s = 1.3, 200, -200, 2.5.
        using GraphProgram program = new(QuantizedAndBack());
        using Tensor x = tensor(new[] { 0.65f, 100, -100, 1.25f }).requires_grad_(), scale = tensor(0.5f).requires_grad_();
        using Tensor y = (Tensor)program.Run(new Dictionary<string, Tensor> { ["x"] = x, ["scale"] = scale })[0]!;
        Assert.Equal([0.5f, 63.5f, -64, 1], y.data<float>().ToArray());
        y.sum().backward();
        Assert.Equal([1, 0, 0, 1], x.grad!.data<float>().ToArray());
        // Esser et al. 2020, equation 3: round(v) - v inside, the ends of the range beyond.
        Assert.Equal((1 - 1.3) + 127 - 128 + (2 - 2.5), scale.grad!.item<float>(), 1e-4);
    }

    [Theory]
    [InlineData(true, 0.9f)]
    [InlineData(false, 0.9f)]
    [InlineData(false, 1f)] // statistics would never move: taken as not told
    public void Batch_normalization_uses_the_batch_only_where_it_is_not_frozen(bool frozen, float momentum)
    {
        Model model = Normalization();
        model.AllNodes().First(n => n.Is("BatchNormalization")).SetAttribute("momentum", momentum);
        using GraphProgram program = new(model);
        program.State.Training = true;
        program.State.NormalizesBatch = _ => !frozen;
        Dictionary<string, float[]> kept = [];
        program.State.KeepStatistic = (value, found) => kept[value.Name] = found.data<float>().ToArray();
        using Tensor x = tensor(new float[] { 1, 2, 3, 6 }, [4, 1, 1]);
        using Tensor y = (Tensor)program.Run(new Dictionary<string, Tensor> { ["x"] = x })[0]!;
        if (frozen)
        {
            Assert.Equal([1, 2, 3, 6], y.data<float>().ToArray().Select(v => MathF.Round(v, 3)));
            Assert.Empty(kept);
            return;
        }
        Assert.Equal(0, y.mean().item<float>(), 1e-5);
        // Mean 3 and biased variance 3.5 of the batch, moved by a tenth from 0 and 1.
        Assert.Equal(0.3f, kept["mean"].Single(), 1e-5);
        Assert.Equal(0.9f + 0.35f, kept["variance"].Single(), 1e-5);
    }

    [Fact]
    public void Dropout_drops_in_training_only_and_as_the_generator_says()
    {
        Model model = new(17, irVersion: 8);
        Value input = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, [1000]));
        Give(model, model.Graph.AddNode("Dropout", [input], ["y"]));
        using GraphProgram program = new(model);
        using Tensor x = ones(1000);
        Assert.Equal(1000, Run(program, x).Count(v => v == 1));
        program.State.Training = true;
        program.State.Random = new Generator(7);
        float[] first = Run(program, x);
        program.State.Random = new Generator(7);
        Assert.Equal(first, Run(program, x));
        Assert.InRange(first.Count(v => v == 0), 400, 600);
        Assert.All(first, v => Assert.True(v is 0 or 2));
    }

    private static float[] Run(GraphProgram program, Tensor x)
    {
        using Tensor y = (Tensor)program.Run(new Dictionary<string, Tensor> { ["x"] = x })[0]!;
        return y.data<float>().ToArray();
    }

    private static Model QuantizedAndBack()
    {
        Model model = new(17, irVersion: 8);
        Graph graph = model.Graph;
        Value x = graph.AddInput("x", OnnxType.Of(ElementType.Float32, [4])), scale = graph.AddInput("scale", OnnxType.Of(ElementType.Float32, []));
        Value zero = graph.AddInitializer("zero", OnnxTensor.Create<sbyte>([], [0]));
        Value q = graph.AddNode("QuantizeLinear", [x, scale, zero], ["q"]).Outputs[0]!;
        Give(model, graph.AddNode("DequantizeLinear", [q, scale, zero], ["y"]));
        return model;
    }

    private static Model Normalization()
    {
        Model model = new(15, irVersion: 8);
        Graph graph = model.Graph;
        Value x = graph.AddInput("x", OnnxType.Of(ElementType.Float32, [4, 1, 1]));
        Value one = graph.AddInitializer("one", OnnxTensor.Create<float>([1], [1])), zero = graph.AddInitializer("zero", OnnxTensor.Create<float>([1], [0]));
        Value mean = graph.AddInitializer("mean", OnnxTensor.Create<float>([1], [0])), variance = graph.AddInitializer("variance", OnnxTensor.Create<float>([1], [1]));
        Give(model, graph.AddNode("BatchNormalization", [x, one, zero, mean, variance], ["y"], [new("momentum", (NodeAttribute)0.9f)]));
        return model;
    }

    private static void Give(Model model, Node node)
    {
        node.Outputs[0]!.Type = new OnnxType.Tensor(ElementType.Float32, null);
        model.Graph.AddOutput(node.Outputs[0]!);
    }
}
