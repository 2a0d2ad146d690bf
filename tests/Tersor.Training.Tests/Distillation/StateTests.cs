using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Testing;
using Tersor.Training.Losses;
using static TorchSharp.torch;

namespace Tersor.Training.Tests.Distillation;

/// <summary>Models that carry state from step to step: h' = tanh(x W + h R), y = h' V.</summary>
public sealed class StateTests
{
    private static readonly Dictionary<string, string> Feedback = new() { ["hn"] = "h" };

    [Fact]
    public void A_teacher_carries_its_own_state_and_forgets_it_where_a_sequence_begins()
    {
        using Teacher teacher = new(Recurrent(5, 1), 1, [], ["x"], Feedback);
        Value answer = Assert.Single(teacher.Answers);
        Assert.Equal("y", answer.Name);
        using Tensor x = tensor(new[] { 0.5f, -1f }, [1, 2]), h = zeros(1, 3);
        float first = Say(), second = Say();
        Assert.NotEqual(first, second);
        teacher.Begin();
        Assert.Equal(first, Say());

        float Say() => teacher.Run(new Dictionary<string, Tensor> { ["x"] = x, ["h"] = h }, [answer], 1)[0].item<float>();
    }

    [Fact]
    public void A_student_with_less_state_learns_from_a_teacher_with_more()
    {
        Random random = new(3);
        Sample[] samples = [.. Enumerable.Range(0, 12).Select(i => new Sample($"{i}",
            [.. Enumerable.Range(0, 5).Select(t =>
            {
                Dictionary<string, OnnxTensor> step = new() { ["x"] = OnnxTensor.Create([1, 2], new[] { random.NextSingle(), -random.NextSingle() }) };
                if (t == 0)
                    step["h"] = OnnxTensor.Create([1, 3], new float[3]);
                return step;
            })], new Dictionary<string, OnnxTensor>()))];
        TrainingJob job = new(Recurrent(3, 7), new InMemoryDataSet("sequences", samples, Feedback), Nets.Short with { Epochs = 40, BatchSize = 4, SequenceWindow = 3 }) { Teachers = [Recurrent(5, 1)] };
        TrainingResult result = new Trainer(job).Run();
        Assert.True(result.History[^1].Loss < result.History[0].Loss / 2, $"the loss went from {result.History[0].Loss} to {result.History[^1].Loss}");
    }

    private static Model Recurrent(int units, int seed)
    {
        Model model = Build.Model([1, 2], (graph, x) =>
        {
            Value h = graph.AddInput("h", OnnxType.Of(ElementType.Float32, 1, units));
            Value next = graph.Apply("Tanh", [graph.Apply("Add", [Product(x, 2, units, seed), Product(h, units, units, seed + 1)])]);
            next.Rename("hn");
            return Product(next, units, 1, seed + 2);

            Value Product(Value value, int from, int to, int number) => graph.Apply("MatMul", [value, graph.AddInitializer("w", Build.Normal(number, 0.6, from, to))]);
        });
        Value state = model.Graph.Nodes.First(n => n.Is("Tanh")).Outputs[0]!;
        state.Type = OnnxType.Of(ElementType.Float32, 1, units);
        model.Graph.AddOutput(state);
        return model;
    }
}
