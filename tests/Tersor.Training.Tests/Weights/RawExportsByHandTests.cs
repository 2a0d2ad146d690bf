using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Testing;
using TorchSharp.Modules;
using static Tersor.Training.Tests.Weights.ByHand;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using F = TorchSharp.torch.nn.functional;

namespace Tersor.Training.Tests.Weights;

/// <summary>Raw exports, trained, against the same networks written by hand in TorchSharp, from the same weights and by the same recipe.</summary>
public sealed class RawExportsByHandTests
{
    [Fact]
    public void A_recurrent_export_with_its_gates_in_pieces()
    {
        Assert.SkipUnless(SharedFiles.Root is not null, SharedFiles.Reason);
        Model model = Load("gru-raw-export");
        IDataSet data = CaseData(model, "gru-raw-export");
        TrainingResult result = Train(model, data, new TrainingLoss.MeanSquaredError());
        using GRU recurrent = GRU(6, 16, numLayers: 2, batchFirst: true, bidirectional: true);
        using Linear head = Linear(32, 1);
        long last = model.AllConstants().First(c => c.Name == "/Constant_output_0").Tensor!.ToInt64s()[0];
        Copy(model, recurrent.named_parameters().Select(p => ($"g.{p.name}", (Tensor)p.parameter)).Concat(head.named_parameters().Select(p => ($"fc.{p.name}", (Tensor)p.parameter))));
        double[] losses = StepByStep(data, [.. recurrent.parameters(), .. head.parameters()], x =>
        {
            Tensor states = recurrent.call(x, null).Item1;
            return head.call(states.select(1, last < 0 ? states.shape[1] + last : last));
        }, (y, label) => F.mse_loss(y, label));
        Compare(losses, result);
    }

    [Fact]
    public void Logits_of_yes_and_no()
    {
        Assert.SkipUnless(SharedFiles.Root is not null, SharedFiles.Reason);
        Model model = Load("binary-logits");
        IDataSet data = CaseData(model, "binary-logits");
        TrainingResult result = Train(model, data, new TrainingLoss.Auto());
        using Sequential network = Sequential(Linear(10, 16), ReLU(), Linear(16, 1));
        Copy(model, network.named_parameters().Select(p => (p.name, (Tensor)p.parameter)));
        Compare(StepByStep(data, network.parameters(), network.call, (y, label) => F.binary_cross_entropy_with_logits(y, label)), result);
    }

    [Theory]
    [InlineData("fresh-bn-identity")]
    [InlineData("fresh-bn-shared")]
    public void A_fresh_network_whose_equal_tensors_were_merged(string name)
    {
        Assert.SkipUnless(SharedFiles.Root is not null, SharedFiles.Reason);
        Model model = Load(name);
        IDataSet data = SmallData.Of(64, "input", random => (OnnxTensor.Create([1, 3, 16, 16], [.. Enumerable.Range(0, 768).Select(_ => random.NextSingle())]), OnnxTensor.Create([1], new[] { random.NextInt64(4) })));
        TrainingResult result = Train(model, data, new TrainingLoss.Auto());
        using Sequential network = Sequential(Conv2d(3, 16, 3, stride: 2, padding: 1, bias: false), BatchNorm2d(16), ReLU(), Conv2d(16, 32, 3, stride: 2, padding: 1, bias: false), BatchNorm2d(32), ReLU(), AdaptiveAvgPool2d(1), Flatten(), Linear(32, 4));
        Copy(model, network.named_parameters().Select(p => (p.name, (Tensor)p.parameter)));
        double[] losses = StepByStep(data, network.parameters(), network.call, (y, label) => F.cross_entropy(y, label.to_type(ScalarType.Int64).flatten()));
        Compare(losses, result);
    }

    [Theory]
    [InlineData("preprocess-in-graph")]
    [InlineData("preprocess-uint8")]
    public void Pictures_that_are_prepared_in_the_graph(string name)
    {
        Assert.SkipUnless(SharedFiles.Root is not null, SharedFiles.Reason);
        Model model = Load(name);
        IDataSet data = CaseData(model, name);
        TrainingResult result = Train(model, data, new TrainingLoss.Auto());
        Tensor mean = Constant(model, "m"), inverse = Constant(model, "i");
        Dictionary<string, Parameter> w = Parameters(model, "m", "i");
        Compare(StepByStep(data, w.Values, x =>
        {
            Tensor pixels = name.EndsWith("uint8", StringComparison.Ordinal) ? x.permute(0, 3, 1, 2) / 255 : x;
            Tensor features = F.relu(Convolved((pixels - mean) * inverse, w["c.weight"], w["c.bias"])).mean([2, 3]);
            return F.linear(features, w["f.weight"], w["f.bias"]);
        }, CrossEntropy), result);
    }

    [Fact]
    public void Statistics_that_a_momentum_of_1_would_never_move()
    {
        Assert.SkipUnless(SharedFiles.Root is not null, SharedFiles.Reason);
        Model model = Load("batchnorm-momentum-1");
        IDataSet data = SmallData.Pictures(256, "x"), heldOut = SmallData.Pictures(200, "x", seed: 2);
        TrainingResult result = Train(model, data, new TrainingLoss.Auto(), heldOut);
        using Sequential network = Sequential(Conv2d(3, 16, 3, padding: 1, bias: false), BatchNorm2d(16), ReLU(), Conv2d(16, 24, 3, stride: 2, padding: 1, bias: false), BatchNorm2d(24), ReLU(), AdaptiveAvgPool2d(1), Flatten(), Linear(24, 4));
        string[] names = ["w", "g", "b", "w2", "g2", "b2", "fw", "fb", "m", "v", "m2", "v2"];
        Copy(model, names.Zip(network.parameters().Concat(network.named_buffers().Where(b => b.buffer.Dimensions == 1).Select(b => b.buffer))));
        Compare(StepByStep(data, network.parameters(), network.call, CrossEntropy), result);
        network.eval();
        double byHand = Accuracy(heldOut, network.call);
        TestContext.Current.TestOutputHelper?.WriteLine($"held-out accuracy {result.History[^1].Validation:0.000}, by hand {byHand:0.000}");
        Assert.True(byHand > 0.9);
        Assert.Equal(byHand, result.History[^1].Validation!.Value, 0.01);
    }
}
