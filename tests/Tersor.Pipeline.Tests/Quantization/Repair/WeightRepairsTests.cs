using Tersor.Compression.Quantization.Placement;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Pipeline.Judging;
using Tersor.Pipeline.Quantization;

namespace Tersor.Pipeline.Tests.Quantization.Repair;

public sealed class WeightRepairsTests
{
    private static readonly IDataSet Data = new SmallNetwork.Noise(16);
    private readonly CalibratedModel model;
    private readonly QuantizationNumbers numbers;

    public WeightRepairsTests()
    {
        Model prepared = PreparedModel.Of(SmallNetwork.Model(), 13);
        model = CalibratedModel.Uncalibrated(prepared, Data.Read(0), Data.Feedback, EngineRules.X64Vnni, _ => null, CancellationToken.None).Calibrate(Data, 1, null, CancellationToken.None);
        numbers = new() { Ranges = RangeSelection.By(RangeSelection.Default, model) };
    }

    [Fact]
    public void Only_layers_of_the_placement_are_repaired()
    {
        QuantizationUnit layer = model.Everything.Units.First(u => u.Rule.Kind == RuleKind.Weighted);
        QuantizationNumbers repaired = Apply(model.Everything.Only(u => u == layer));
        Assert.All(repaired.Repaired, c => Assert.Equal(layer.Key, c.Layer));
        Assert.Equal([layer.Key], repaired.WeightScales.Keys);
        Assert.Equal([1, 2], repaired.Repaired.Select(c => c.Input).Order()); // weight and bias
    }

    [Fact]
    public void A_repaired_layer_that_stays_float_keeps_its_weights()
    {
        QuantizationNumbers repaired = Apply(model.Everything);
        string first = model.Everything.Units.First(u => u.Rule.Kind == RuleKind.Weighted).Key;
        Model built = model.Build(model.Everything.Only(u => u.Key != first), repaired, out _);
        Node before = model.Model.Graph.Nodes.Single(n => n.Outputs[0]!.Name == first), after = built.Graph.Nodes.Single(n => n.Name == before.Name);
        Assert.Equal(before.Inputs[1]!.Constant!.ToFloats(), after.Inputs[1]!.Constant!.ToFloats());
    }

    [Fact]
    public void A_layer_does_not_depend_on_which_others_are_repaired_with_it()
    {
        QuantizationUnit layer = model.Everything.Units.Where(u => u.Rule.Kind == RuleKind.Weighted).ElementAt(1);
        RepairedConstant[] alone = [.. Apply(model.Everything.Only(u => u == layer)).Repaired], together = [.. Apply(model.Everything).Repaired.Where(c => c.Layer == layer.Key)];
        Assert.Equal(alone.Select(c => c.Tensor.ContentHash()), together.Select(c => c.Tensor.ContentHash()));
    }

    [Fact]
    public void Bias_correction_brings_the_mean_output_back()
    {
        QuantizationNumbers coarse = numbers with { Format = new() { Weights = new Compression.Quantization.Granularity.PerTensor() } };
        Func<QuantizationNumbers, double> shift = n =>
        {
            OutputNoise noise = new(model.Model, Data, new(), CancellationToken.None);
            return noise.Of(model.Build(model.Everything, n, out _), CancellationToken.None);
        };
        QuantizationNumbers repaired = WeightRepairs.Apply([RepairNames.Bias, RepairNames.Round], model, model.Everything, coarse, Data, 1, null, CancellationToken.None);
        Assert.True(shift(repaired) < shift(coarse));
    }

    private QuantizationNumbers Apply(QuantizationPlacement placement) =>
        WeightRepairs.Apply([RepairNames.Clip, RepairNames.Bias, RepairNames.Round], model, placement, numbers, Data, 1, null, CancellationToken.None);
}
