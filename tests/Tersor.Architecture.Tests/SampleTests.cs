using Tersor.Compression;
using Tersor.Onnx;
using Tersor.Pipeline.Evaluation;
using Tersor.Samples;

namespace Tersor.Architecture.Tests;

/// <summary>The samples do what the documents say.</summary>
public sealed class SampleTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("tersor-samples-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Weights_are_counted() => Assert.Equal(6, Editing.CountWeights(Save(WithDropout())));

    [Fact]
    public void Dropout_is_removed_and_the_rest_runs()
    {
        string output = Path.Combine(folder, "output.onnx");
        Assert.Equal(1, Editing.RemoveDropout(Save(WithDropout()), output));
        Assert.Equal(["MatMul"], Model.Load(output).Graph.Nodes.Select(n => n.OpType));
        Running.RunOnce(output);
    }

    [Fact]
    public void The_sample_pass_reports_what_it_did()
    {
        Model model = WithDropout();
        PassReport report = new RemoveDropoutPass().Run(model, PassContext.None);
        Assert.Equal([new PassChange("dropout", "removed")], report.Changes);
        Assert.Empty(report.Skipped);
        Assert.Equal("output", model.Graph.Outputs[0].Name);
    }

    [Fact]
    public void The_sample_metric_finds_the_worst_difference()
    {
        WorstDifference metric = new();
        metric.Add(new(new("0", [], new Dictionary<string, Tensor>()), [Outputs(1, 2, 3)], [Outputs(1, 2.5f, 3)]));
        metric.Add(new(new("1", [], new Dictionary<string, Tensor>()), [Outputs(1, 2, 3)], [Outputs(1, 2, 2.75f)]));
        Assert.Equal(0.5, metric.Value);

        static Dictionary<string, Tensor> Outputs(params float[] values) => new() { ["output"] = Tensor.Vector(values) };
    }

    [Fact]
    public async Task A_model_becomes_smaller_and_stays_as_right()
    {
        const int Length = 64, Hidden = 256;
        Random random = new(1);
        Model model = new(opset: 13, irVersion: 7);
        Value input = model.Graph.AddInput("wave", OnnxType.Of(ElementType.Float32, 1, Length));
        Value spread = model.Graph.AddInitializer("spread", Tensor.Create([Length, Hidden], [.. Enumerable.Range(0, Length * Hidden).Select(_ => 0.5f + random.NextSingle())]));
        Value mean = model.Graph.AddInitializer("mean", Tensor.Create([Hidden, 1], [.. Enumerable.Repeat(1f / Hidden, Hidden)]));
        Value hidden = model.Graph.AddNode("MatMul", [input, spread], ["hidden"]).Outputs[0]!, sum = model.Graph.AddNode("MatMul", [hidden, mean], ["sum"]).Outputs[0]!;
        Value middle = model.Graph.AddInitializer("middle", Tensor.Scalar(Length * 0.55f));
        Value output = model.Graph.AddNode("Sub", [sum, middle], ["output"]).Outputs[0]!;
        output.Type = OnnxType.Of(ElementType.Float32, 1, 1);
        model.Graph.AddOutput(output);
        string path = Save(model), smaller = Path.Combine(folder, "smaller.onnx");
        IReadOnlyList<EvaluatedModel> figures = await Compressing.Run(path, new Pulses(200, Length), smaller);
        Assert.True(figures[0].Values[0].Value > 0.9, $"The network as it is says {figures[0].Values[0].Value}.");
        Assert.InRange(figures[1].Values[0].Value, figures[0].Values[0].Value - 0.03, 1);
        Assert.True(new FileInfo(smaller).Length < 0.4 * new FileInfo(path).Length);
    }

    private string Save(Model model)
    {
        string path = Path.Combine(folder, "model.onnx");
        model.Save(path);
        return path;
    }

    private static Model WithDropout()
    {
        Model model = new(opset: 13, irVersion: 7);
        Value input = model.Graph.AddInput("input", OnnxType.Of(ElementType.Float32, 1, 2));
        Value weight = model.Graph.AddInitializer("weight", Tensor.Create([2, 3], new float[] { 1, 2, 3, 4, 5, 6 }));
        Value product = model.Graph.AddNode("MatMul", [input, weight], ["product"], name: "dense").Outputs[0]!;
        Value output = model.Graph.AddNode("Dropout", [product], ["output"], name: "dropout").Outputs[0]!;
        output.Type = OnnxType.Of(ElementType.Float32, 1, 3);
        model.Graph.AddOutput(output);
        return model;
    }
}
