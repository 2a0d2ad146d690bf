using System.Numerics.Tensors;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Testing;
using Tensor = Tersor.Onnx.Tensor;

namespace Tersor.Runtime.Tests;

/// <summary>The networks built for benchmarks are the published ones.</summary>
public sealed class ArchitectureTests
{
    [Theory]
    [InlineData("resnet18", 11_689_512)]
    [InlineData("resnet50", 25_557_032)]
    [InlineData("densenet121", 7_978_856)]
    [InlineData("squeezenet1_1", 1_235_496)]
    [InlineData("shufflenet_v2", 2_278_604)]
    [InlineData("mobilenet_v2", 3_504_872)]
    [InlineData("mobilenet_v3_large", 5_483_032)]
    [InlineData("efficientnet_b0", 5_288_548)]
    [InlineData("yolov8n", 3_157_200)]
    [InlineData("vit_b_16", 86_567_656)]
    [InlineData("bert_base", 109_482_240)]
    public void The_number_of_parameters_is_the_published_one(string name, long parameters)
    {
        Model model = Architectures.All[name].Build(new() { Calibrate = false, Fold = false });
        Assert.Equal(parameters, model.Graph.Initializers.Where(IsParameter).Sum(v => v.Tensor!.Length));

        // Mean and variance of normalizations are measured, not trained; numbers without dimensions are part of the formulas, and so are scales of a Resize and the grid of a detector.
        static bool IsParameter(Value value) => value.Tensor is { Type: ElementType.Float32, Rank: > 0 } && !value.Uses.Any(u => u.Node.Is("BatchNormalization") && u.Index > 2 || u.Node.Is("Resize"))
            && !value.Name.StartsWith("anchors", StringComparison.Ordinal) && !value.Name.StartsWith("strides", StringComparison.Ordinal);
    }

    [Fact]
    public void Folded_normalizations_give_what_the_nodes_give()
    {
        Architecture architecture = Architectures.All["shufflenet_v2"];
        IReadOnlyDictionary<string, Tensor> image = architecture.Data(DataPart.Test, 1).Read(0).Steps[0];
        Model folded = architecture.Build(), apart = architecture.Build(new() { Fold = false });
        Assert.DoesNotContain(folded.AllNodes(), n => n.Is("BatchNormalization"));
        Assert.Equal(56, apart.AllNodes().Count(n => n.Is("BatchNormalization")));
        Assert.Empty(Running.Differences(Running.Run(apart, image), Running.Run(folded, image), tolerance: 1e-4));
    }

    [Fact]
    public void Activations_of_a_calibrated_network_neither_explode_nor_vanish()
    {
        Architecture architecture = Architectures.All["mobilenet_v3_large"];
        Model model = architecture.Build();
        DeviationObserver observer = new(model.AllNodes().Where(n => n.Is("Conv")).Select(n => n.Outputs[0]!));
        Observer.Observe(model, architecture.Data(DataPart.Test, 2), [observer]);
        Assert.NotEmpty(observer.Deviations);
        Assert.All(observer.Deviations, d => Assert.InRange(d, 0.05, 10));
    }

    [Theory]
    [InlineData("gpt")]
    [InlineData("lstm")]
    public void A_network_of_sequences_tells_its_inputs_apart(string name)
    {
        Architecture architecture = Architectures.All[name];
        using ModelSession session = new(architecture.Build());
        float[][] outputs = [.. architecture.Data(DataPart.Test, 2).Samples().Select(s => session.Run(s.Steps[0]).Values.Single().ToFloats())];
        Assert.All(outputs, o => Assert.InRange(TensorPrimitives.StdDev<float>(o), 0.01f, 10f));
        Assert.True(TensorPrimitives.Distance<float>(outputs[0], outputs[1]) > 0.1 * TensorPrimitives.Norm<float>(outputs[0]));
    }

    [Fact]
    public void Parts_of_the_data_have_no_sample_in_common()
    {
        Architecture architecture = Architectures.All["gpt"];
        Tensor[] all = [.. Enum.GetValues<DataPart>().SelectMany(part => architecture.Data(part, 4).Samples()).Select(s => s.Steps[0]["input_ids"])];
        Assert.Equal(all.Length, all.DistinctBy(t => t.ContentHash()).Count());
        Assert.True(architecture.Data(DataPart.Test, 8).Read(3).Steps[0]["input_ids"].ContentEquals(architecture.Data(DataPart.Test, 4).Read(3).Steps[0]["input_ids"]));
    }

    private sealed class DeviationObserver(IEnumerable<Value> values) : ValueObserver
    {
        public List<float> Deviations { get; } = [];

        public override IReadOnlyCollection<Value> Values { get; } = [.. values];

        public override void Collect(Value value, ObservedTensor tensor) => Deviations.Add(TensorPrimitives.StdDev(tensor.Floats));
    }
}
