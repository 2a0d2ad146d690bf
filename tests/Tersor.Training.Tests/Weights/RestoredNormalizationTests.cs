using Tersor.Onnx;
using Tersor.Testing;
using Tersor.Training.Weights;

namespace Tersor.Training.Tests.Weights;

/// <summary>Behind which convolutions a folded normalization is put back.</summary>
public sealed class RestoredNormalizationTests
{
    [Theory]
    [InlineData("Relu", 1)]
    [InlineData("HardSwish", 1)]
    [InlineData("Gelu", 1)]
    [InlineData("spelled-out HardSwish", 1)] // PyTorch exports HardSigmoid and Mul
    [InlineData("spelled-out SiLU", 1)]
    [InlineData("sum", 1)]
    [InlineData("squeeze and excitation", 1)] // the one in front of it; in its gate pictures are single numbers
    [InlineData("MaxPool", 0)]
    [InlineData("Softmax", 0)]
    public void A_convolution_that_looks_as_if_it_had_one_gets_one(string follower, int count)
    {
        Model model = Build.Model(["n", 2, 4, 4], (graph, x) =>
        {
            Value y = graph.Conv(x, 1, 2, 6);
            Value next = follower switch
            {
                "spelled-out HardSwish" => graph.Apply("Mul", [y, graph.Apply("HardSigmoid", [y])]),
                "spelled-out SiLU" => graph.Apply("Mul", [y, graph.Apply("Sigmoid", [y])]),
                "sum" => graph.Apply("Add", [y, graph.Apply("Concat", [x, x, x], ("axis", 1L))]),
                "squeeze and excitation" => graph.Apply("Mul", [graph.Apply("Relu", [y]), graph.Apply("HardSigmoid", [graph.Conv(graph.Apply("GlobalAveragePool", [y]), 2, 6, 6, kernel: 1)])]),
                "MaxPool" => graph.Apply(follower, [y], ("kernel_shape", new[] { 2L, 2L })),
                _ => graph.Apply(follower, [y]),
            };
            return graph.Apply("Identity", [graph.Apply("Tanh", [next])]);
        }, 20);
        if (follower == "squeeze and excitation")
            model.Graph.Nodes.First(n => n.Is("GlobalAveragePool")).SetInput(0, model.Graph.Nodes.First(n => n.Is("Relu")).Outputs[0]);
        IReadOnlyList<ChosenWeight> chosen = new WeightChooser(new()).Choose(model, mustFind: true);
        Model running = model.Clone(out IReadOnlyDictionary<Value, Value> copies);
        Assert.Equal(count, RestoredNormalization.Insert(running, chosen, copies).Count);
        Assert.Equal(count, running.AllNodes().Count(n => n.Is("BatchNormalization")));
    }
}
