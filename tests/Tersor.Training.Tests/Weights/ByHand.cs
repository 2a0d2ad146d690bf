using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Data.Metrics;
using Tersor.Onnx;
using Tersor.Testing;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Tersor.Training.Tests.Weights;

/// <summary>A network written by hand in TorchSharp and trained by the recipe its file is trained by: whole batches, so that the order of samples plays no part.</summary>
internal static class ByHand
{
    private const int Steps = 25;
    private const double Rate = 3e-3;

    public static Model Load(string name) => Model.Load(SharedFiles.At("cases", $"{name}.onnx"));

    public static IDataSet CaseData(Model model, string name) => DataSetFactory.Open(SharedFiles.At("cases", $"{name}.npz"), ModelInput.Of(model), null, "train").DataSet;

    public static TrainingResult Train(Model model, IDataSet data, TrainingLoss loss, IDataSet? heldOut = null)
    {
        TrainingSettings recipe = new()
        {
            Epochs = Steps,
            BatchSize = data.Count,
            LearningRate = Rate,
            Loss = loss,
            ClipNorm = null,
            WeightDecay = 0.01,
            Schedule = new LearningRateSchedule.Constant(),
            KeepBest = false,
        };
        Func<IMetric>? metric = heldOut is null ? null : () => MetricCatalog.Create(new("top-1", new Dictionary<string, string>()));
        return new Trainer(new(model, data, recipe) { Validation = heldOut, Metric = metric }).Run(cancellation: TestContext.Current.CancellationToken);
    }

    public static double[] StepByStep(IDataSet data, IEnumerable<Parameter> parameters, Func<Tensor, Tensor> network, Func<Tensor, Tensor, Tensor> loss)
    {
        using IDisposable scope = NewDisposeScope();
        (Tensor x, Tensor label) = Batch(data);
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

    private static (Tensor X, Tensor Label) Batch(IDataSet data) =>
        (cat([.. data.Samples().Select(s => Row(s.Steps[0].Values.First()))], 0), cat([.. data.Samples().Select(s => Row(s.Labels.Values.First()))], 0));

    private static Tensor Row(OnnxTensor stored) => tensor(stored.Type.IsFloat() ? stored.ToFloats() : [.. stored.ToInt64s().Select(v => (float)v)], [1, .. stored.Rank > 1 ? stored.Shape.AsSpan()[1..] : []]);

    /// <summary>A convolution with its channels filled up to whole blocks of 16 by zeros: libtorch 2.10 reads memory nobody wrote to where a block is not full, on processors with AVX-512.</summary>
    public static Tensor Convolved(Tensor x, Tensor weight, Tensor bias, long stride = 1, long padding = 0)
    {
        (long read, long made) = (Missing(weight.shape[1]), Missing(weight.shape[0]));
        return F.conv2d(F.pad(x, [0, 0, 0, 0, 0, read]), F.pad(weight, [0, 0, 0, 0, 0, read, 0, made]), F.pad(bias, [0, made]), [stride, stride], [padding, padding]).narrow(1, 0, weight.shape[0]);
    }

    /// <summary>The same of a transposed convolution.</summary>
    public static Tensor ConvolvedBack(Tensor x, Tensor weight, Tensor bias, long stride = 1, long padding = 0)
    {
        (long read, long made) = (Missing(weight.shape[0]), Missing(weight.shape[1]));
        return F.conv_transpose2d(F.pad(x, [0, 0, 0, 0, 0, read]), F.pad(weight, [0, 0, 0, 0, 0, made, 0, read]), F.pad(bias, [0, made]), [stride, stride], [padding, padding]).narrow(1, 0, weight.shape[1]);
    }

    private static long Missing(long channels) => (16 - channels % 16) % 16;

    /// <summary>What the file trains, as parameters, by name: every initializer of floating-point numbers but those named.</summary>
    public static Dictionary<string, Parameter> Parameters(Model model, params string[] except) =>
        model.Graph.Initializers.Where(i => i.Tensor!.Type.IsFloat() && !except.Contains(i.Name)).ToDictionary(i => i.Name, i => new Parameter(Constant(model, i.Name)));

    public static Tensor Constant(Model model, string name)
    {
        OnnxTensor stored = model.AllConstants().First(c => c.Name == name).Tensor!;
        return tensor(stored.ToFloats(), [.. stored.Shape]);
    }

    /// <summary>Cross-entropy of classes that lie on the last axis.</summary>
    public static Tensor CrossEntropy(Tensor y, Tensor label) => F.cross_entropy(y.flatten(0, -2), label.to_type(ScalarType.Int64).flatten());

    public static void Copy(Model model, IEnumerable<(string Name, Tensor Parameter)> parameters)
    {
        using IDisposable _ = no_grad();
        foreach ((string name, Tensor parameter) in parameters)
            parameter.copy_(tensor(model.AllConstants().First(c => c.Name == name).Tensor!.ToFloats(), parameter.shape));
    }

    public static void Compare(double[] byHand, TrainingResult result)
    {
        TestContext.Current.TestOutputHelper?.WriteLine($"loss {result.History[0].Loss:0.00000} → {result.History[^1].Loss:0.00000}, by hand {byHand[0]:0.00000} → {byHand[^1]:0.00000}");
        Assert.True(byHand[^1] < byHand[0]);
        Assert.Equal(byHand.Length, result.History.Count);
        Assert.All(byHand.Zip(result.History), step => Assert.Equal(step.First, step.Second.Loss, 1e-3));
    }

    public static double Accuracy(IDataSet data, Func<Tensor, Tensor> network)
    {
        using IDisposable scope = NewDisposeScope(), none = no_grad();
        (Tensor x, Tensor label) = Batch(data);
        return network(x).argmax(-1).eq(label.to_type(ScalarType.Int64).flatten()).to_type(ScalarType.Float32).mean().item<float>();
    }
}
