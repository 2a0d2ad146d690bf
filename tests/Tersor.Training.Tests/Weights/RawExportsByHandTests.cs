using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Testing;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using F = TorchSharp.torch.nn.functional;

namespace Tersor.Training.Tests.Weights;

/// <summary>Raw exports, trained, against the same networks written by hand in TorchSharp, from the same weights and by the same recipe: whole batches, so that the order of samples plays no part.</summary>
public sealed class RawExportsByHandTests
{
    private const int Steps = 25;
    private const double Rate = 3e-3;

    [Fact]
    public void A_recurrent_export_with_its_gates_in_pieces()
    {
        Assert.SkipUnless(SharedFiles.Root is not null, SharedFiles.Reason);
        Model model = Load("gru-raw-export");
        IDataSet data = Data(model, "gru-raw-export");
        TrainingResult result = Train(model, data, new TrainingLoss.MeanSquaredError());
        using GRU recurrent = GRU(6, 16, numLayers: 2, batchFirst: true, bidirectional: true);
        using Linear head = Linear(32, 1);
        long last = model.AllConstants().First(c => c.Name == "/Constant_output_0").Tensor!.ToInt64s()[0];
        Copy(model, recurrent.named_parameters().Select(p => ($"g.{p.name}", (Tensor)p.parameter)).Concat(head.named_parameters().Select(p => ($"fc.{p.name}", (Tensor)p.parameter))));
        double[] losses = ByHand(data, [.. recurrent.parameters(), .. head.parameters()], x =>
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
        IDataSet data = Data(model, "binary-logits");
        TrainingResult result = Train(model, data, new TrainingLoss.Auto());
        using Sequential network = Sequential(Linear(10, 16), ReLU(), Linear(16, 1));
        Copy(model, network.named_parameters().Select(p => (p.name, (Tensor)p.parameter)));
        Compare(ByHand(data, network.parameters(), network.call, (y, label) => F.binary_cross_entropy_with_logits(y, label)), result);
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
        double[] losses = ByHand(data, network.parameters(), network.call, (y, label) => F.cross_entropy(y, label.to_type(ScalarType.Int64).flatten()));
        Compare(losses, result);
    }

    private static Model Load(string name) => Model.Load(SharedFiles.At("cases", $"{name}.onnx"));

    private static IDataSet Data(Model model, string name) => DataSetFactory.Open(SharedFiles.At("cases", $"{name}.npz"), ModelInput.Of(model), null, "train").DataSet;

    private static TrainingResult Train(Model model, IDataSet data, TrainingLoss loss) => new Trainer(new(model, data, new()
    {
        Epochs = Steps,
        BatchSize = data.Count,
        LearningRate = Rate,
        Loss = loss,
        ClipNorm = null,
        WeightDecay = 0.01,
        Schedule = new LearningRateSchedule.Constant(),
    })).Run(cancellation: TestContext.Current.CancellationToken);

    private static double[] ByHand(IDataSet data, IEnumerable<Parameter> parameters, Func<Tensor, Tensor> network, Func<Tensor, Tensor, Tensor> loss)
    {
        using IDisposable scope = NewDisposeScope();
        Tensor x = cat([.. data.Samples().Select(s => Row(s.Steps[0].Values.First()))], 0), label = cat([.. data.Samples().Select(s => Row(s.Labels.Values.First()))], 0);
        using optim.Optimizer optimizer = optim.AdamW(parameters, Rate, weight_decay: 0.01);
        double[] losses = new double[Steps];
        for (int step = 0; step < Steps; step++)
        {
            Tensor y = network(x), lost = loss(y, label.numel() == y.numel() ? label.reshape(y.shape) : label);
            losses[step] = lost.item<float>();
            optimizer.zero_grad();
            lost.backward();
            optimizer.step();
        }
        return losses;
    }

    private static Tensor Row(OnnxTensor stored) => tensor(stored.Type.IsFloat() ? stored.ToFloats() : [.. stored.ToInt64s().Select(v => (float)v)], [1, .. stored.Rank > 1 ? stored.Shape.AsSpan()[1..] : []]);

    private static void Copy(Model model, IEnumerable<(string Name, Tensor Parameter)> parameters)
    {
        using IDisposable _ = no_grad();
        foreach ((string name, Tensor parameter) in parameters)
            parameter.copy_(tensor(model.AllConstants().First(c => c.Name == name).Tensor!.ToFloats(), parameter.shape));
    }

    private static void Compare(double[] byHand, TrainingResult result)
    {
        Assert.True(byHand[^1] < byHand[0]);
        Assert.All(byHand.Zip(result.History), step => Assert.Equal(step.First, step.Second.Loss, 1e-3));
    }
}
