using Tersor.Compression.Quantization;
using Tersor.Onnx;
using Tersor.Pipeline.Judging;
using Tersor.Pipeline.Quantization;

namespace Tersor.Pipeline.Tests.Quantization.Ranges;

public sealed class RangeTrialsTests
{
    [Theory]
    [InlineData(false), InlineData(true)]
    public void A_trial_is_what_a_model_with_that_pair_gives(bool atOutput)
    {
        Model model = SmallNetwork.Model();
        OutputNoise noise = new(model, new SmallNetwork.Noise(3), new(), CancellationToken.None);
        Value[] values = [model.Graph.Inputs[0], .. model.Graph.Nodes.Where(n => n.Is("Relu", "MatMul")).Select(n => n.Outputs[0]!)];
        Value rounded = atOutput ? values[^1] : values[1];
        QuantizationParameters parameters = QuantizationParameters.FromRange(-1.5, 2.5);
        using RangeTrials trials = new(model, values, ElementType.UInt8, noise, new());
        double found = trials.Of(rounded.Name, parameters, 3, CancellationToken.None);

        Model explicitly = model.Clone(out IReadOnlyDictionary<Value, Value> copies);
        Value copy = copies[rounded];
        Graph graph = explicitly.Graph;
        Value scale = graph.AddInitializer("scale", Tensor.Scalar(parameters.Scale)), zero = graph.AddInitializer("zero", parameters.ZeroPointTensor());
        Use[] readers = [.. copy.Uses];
        Node? position = copy.Producer!.Next;
        Value restored = graph.InsertBefore(position, "DequantizeLinear", [graph.InsertBefore(position, "QuantizeLinear", [copy, scale, zero], ["q"]).Outputs[0], scale, zero], ["dq"]).Outputs[0]!;
        foreach (Use reader in readers)
            reader.Node.SetInput(reader.Index, restored);
        if (atOutput)
            graph.SetOutput(0, restored);
        Assert.True(found > 1e-6);
        Assert.Equal(noise.Of(explicitly, CancellationToken.None), found, 1e-9);
    }
}
