using Tersor.Compression.Quantization.Placement;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Pipeline.Quantization;
using Tersor.Testing;

namespace Tersor.Pipeline.Tests.Quantization.Search;

public sealed class CalibratedModelTests
{
    /// <summary>Two convolutions in each branch of an If: one branch for positive samples, one for negative ones.</summary>
    private static Model Branches()
    {
        Model model = new(17, irVersion: 8);
        Value x = model.Graph.AddInput("x", OnnxType.Of(ElementType.Float32, 1, 16, 8, 8));
        Value positive = model.Graph.Apply("Greater", [model.Graph.Apply("ReduceMean", [x], ("keepdims", 0L)), model.Graph.AddInitializer("zero", Tensor.Scalar(0f))]);
        Graph taken = model.Graph.NewBody("taken"), other = model.Graph.NewBody("other");
        Node branch = model.Graph.AddNode("If", [positive], ["y"], [new("then_branch", taken), new("else_branch", other)]);
        foreach (Graph body in branch.Bodies)
        {
            Value copied = body.Apply("Mul", [x, body.AddInitializer("one", Tensor.Scalar(1f))]), made = body.Conv(body.Apply("Relu", [body.Conv(copied, 1, 16, 64)]), 2, 64, 64);
            made.Type = new OnnxType.Tensor(ElementType.Float32, null);
            body.AddOutput(made);
        }
        branch.Outputs[0]!.Type = new OnnxType.Tensor(ElementType.Float32, null);
        model.Graph.AddOutput(branch.Outputs[0]!);
        return model;
    }

    [Fact]
    public void What_a_few_samples_did_not_reach_is_known_again_once_more_samples_do()
    {
        IDataSet all = new Signs();
        CalibratedModel model = CalibratedModel.Uncalibrated(PreparedModel.Of(Branches(), 13), all.Read(0), all.Feedback, EngineRules.X64Vnni, _ => null, TestContext.Current.CancellationToken);
        CalibratedModel few = model.Calibrate(all.Take(1), threads: 1, null, TestContext.Current.CancellationToken), whole = few.Calibrate(all, threads: 1, null, TestContext.Current.CancellationToken);
        Assert.Equal(2, few.Everything.Units.Count(u => u.IsLayer));
        Assert.Equal(4, whole.Everything.Units.Count(u => u.IsLayer));
        Assert.All(whole.Everything.Activations(), v => Assert.True(whole.Distributions[v].HasValues));
    }

    /// <summary>A positive sample, then a negative one.</summary>
    private sealed class Signs : IDataSet
    {
        public string Name => "signs";

        public int Count => 2;

        public IReadOnlyDictionary<string, string> Feedback { get; } = new Dictionary<string, string>();

        public Sample Read(int index) =>
            new($"{index}", [new Dictionary<string, Tensor> { ["x"] = Tensor.Create([1, 16, 8, 8], Array.ConvertAll(Build.Normal(1, 1, 1, 16, 8, 8).ToFloats(), v => index == 0 ? Math.Abs(v) : -Math.Abs(v))) }], new Dictionary<string, Tensor>());
    }
}
