using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Training.Tests.Weights;

/// <summary>Raw exports, trained: what is a weight is, and nothing else.</summary>
public sealed class RolesInTrainingTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("causal-mask-1e4", "mask")]
    [InlineData("preprocess-in-graph", "m,i")]
    [InlineData("preprocess-uint8", "m,i,/Constant_output_0")]
    [InlineData("resize-scales", "/g1/Constant_1_output_0,/g1/Constant_2_output_0,/g3/Constant_1_output_0,/g3/Constant_2_output_0,/Constant_output_0,/Constant_1_output_0")]
    public void What_is_no_weight_stays_to_the_bit_and_all_weights_are_trained(string name, string fixedConstants)
    {
        Assert.SkipUnless(SharedFiles.Root is not null, SharedFiles.Reason);
        (Model model, TrainingResult result) = Trained(name, new() { Epochs = 1, BatchSize = 16 });
        string[] stays = fixedConstants.Split(',');
        Assert.Equal(stays.Order(StringComparer.Ordinal), result.Untouched.Where(u => Find(model, u.Name).Length > 1 || stays.Contains(u.Name)).Select(u => u.Name).Order(StringComparer.Ordinal));
        Assert.All(stays, s => Assert.Equal(Find(model, s).ToFloats(), Find(result.Model, s).ToFloats()));
        Assert.All(result.Trained, t => Assert.NotEqual(Find(model, t).ToFloats(), Find(result.Model, t).ToFloats()));
        Assert.All(result.History, e => Assert.True(double.IsFinite(e.Loss)));
    }

    [Fact]
    public void All_weights_of_a_raw_recurrent_export_are_trained_and_written_in_place()
    {
        Assert.SkipUnless(SharedFiles.Root is not null, SharedFiles.Reason);
        (Model model, TrainingResult result) = Trained("gru-raw-export", new() { Epochs = 2, BatchSize = 16, LearningRate = 1e-3 });
        Assert.Equal(18, result.Trained.Count);
        Assert.All(result.Trained, t => Assert.NotEqual(Find(model, t).ToFloats(), Find(result.Model, t).ToFloats()));
        Assert.Equal(model.AllNodes().Select(n => n.OpType), result.Model.AllNodes().Select(n => n.OpType));
    }

    [Theory]
    [InlineData("fresh-bn-identity")]
    [InlineData("fresh-bn-shared")]
    public void A_fresh_export_trains_as_the_same_network_with_tensors_apart(string name)
    {
        Assert.SkipUnless(SharedFiles.Root is not null, SharedFiles.Reason);
        TrainingSettings settings = new() { Epochs = 4, BatchSize = 16, LearningRate = 2e-3 };
        Model merged = Model.Load(SharedFiles.At("cases", $"{name}.onnx"));
        TrainingResult result = new Trainer(new(merged, SmallData.Pictures(256), settings)).Run(cancellation: Cancellation);
        TrainingResult apart = new Trainer(new(Apart(merged), SmallData.Pictures(256), settings)).Run(cancellation: Cancellation);
        Assert.Equal(apart.History.Select(h => h.Loss), result.History.Select(h => h.Loss));
        Node[] normalizations = [.. result.Model.AllNodes().Where(n => n.Is("BatchNormalization"))];
        Assert.All(normalizations, n => Assert.Equal(4, n.Inputs.Skip(1).Select(i => i!.Name).Distinct().Count()));
        Assert.Equal(apart.Model.AllNodes().Where(n => n.Is("BatchNormalization")).SelectMany(n => n.Inputs.Skip(1)).SelectMany(i => i!.Tensor!.ToFloats()),
            normalizations.SelectMany(n => n.Inputs.Skip(1)).SelectMany(i => i!.Tensor!.ToFloats()));
        Assert.Contains(result.Notes, n => n.Contains("constants in several roles, told apart: '1.weight'", StringComparison.Ordinal));
        Assert.Empty(apart.Notes);
    }

    [Fact]
    public void Statistics_follow_the_batches_though_momentum_is_1_and_that_is_said()
    {
        Assert.SkipUnless(SharedFiles.Root is not null, SharedFiles.Reason);
        Model model = Model.Load(SharedFiles.At("cases", "batchnorm-momentum-1.onnx"));
        TrainingResult result = new Trainer(new(model, SmallData.Pictures(64, "x"), new() { Epochs = 1, BatchSize = 16 })).Run(cancellation: Cancellation);
        Assert.All(new[] { "m", "v", "m2", "v2" }, name => Assert.NotEqual(Find(model, name).ToFloats(), Find(result.Model, name).ToFloats()));
        Assert.Contains("momentum 1 of BatchNormalization 'n' and 1 more", Assert.Single(result.Notes), StringComparison.Ordinal);
        TrainingResult frozen = new Trainer(new(model, SmallData.Pictures(64, "x"), new() { Epochs = 1, BatchSize = 16, BatchNormalization = BatchNormalizationMode.Freeze })).Run(cancellation: Cancellation);
        Assert.Empty(frozen.Notes);
    }

    private static (Model Model, TrainingResult Result) Trained(string name, TrainingSettings settings)
    {
        Model model = Model.Load(SharedFiles.At("cases", $"{name}.onnx"));
        IDataSet data = DataSetFactory.Open(SharedFiles.At("cases", $"{name.Replace("-1e4", "", StringComparison.Ordinal)}.npz"), ModelInput.Of(model), null, "train").DataSet;
        return (model, new Trainer(new(model, data, settings)).Run(cancellation: Cancellation));
    }

    private static OnnxTensor Find(Model model, string name) => model.AllConstants().First(c => c.Name == name).Tensor!;

    /// <summary>The same network as an exporter writes it that merges nothing.</summary>
    private static Model Apart(Model merged)
    {
        Model model = merged.Clone();
        foreach (Node node in model.AllNodes().Where(n => n.Is("BatchNormalization")))
        {
            foreach (int statistic in new[] { 3, 4 })
                node.SetInput(statistic, model.Graph.AddInitializer($"statistic{statistic}", OnnxTensor.Vector([.. Enumerable.Repeat(statistic == 3 ? 0f : 1f, (int)node.Inputs[1]!.Tensor!.Length)])));
        }
        return model;
    }
}
