using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Pipeline.Quantization;
using Tersor.Runtime;
using Tersor.Testing;
using Tersor.Training.Libtorch;
using Tersor.Training.Weights;
using static TorchSharp.torch;

namespace Tersor.Training.Tests.Quantized;

/// <summary>A quantized network answers the same while it is trained as it does in ONNX Runtime.</summary>
public sealed class AgreementTests(ITestOutputHelper output)
{
    private const int Images = 400;

    [Theory]
    [InlineData("fmnist_cnn", 8)]
    [InlineData("fmnist_cnn", 2)]
    [InlineData("fmnist_mobilenet", 4)]
    [InlineData("fmnist_vit", 8)]
    public void Classes_are_the_same_in_training_and_in_the_engine(string name, int bits)
    {
        Assert.SkipWhen(SharedFiles.Root is null, SharedFiles.Reason);
        Assert.SkipUnless(File.Exists("/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"), "needs Fashion-MNIST (Debian package dataset-fashion-mnist)");
        Model model = Model.Load(SharedFiles.At("models", $"{name}.onnx"));
        IDataSet data = DataSetFactory.Open(DataSetFactory.ReadDescription(Path.Combine(SharedFiles.Repository, "samples", "data", "fmnist.yaml")), ".", ModelInput.Of(model), "validation").DataSet;
        TrainingSettings settings = new() { MaxSteps = 4, BatchSize = 32, LearningRate = 1e-4, Loss = new TrainingLoss.None() };
        QuantizeJob job = new(new() { Format = new() { WeightBits = bits }, RequireSpeed = false, CalibrationSamples = 50, SelectionSamples = 20, StoreWeights = false }) { Training = new(new TorchTraining(), settings, data.Take(128)) };
        Model quantized = job.Run(model, data.Take(100), null, null, cancellation: TestContext.Current.CancellationToken).Model;
        using TrainableGraph graph = new(quantized, settings);
        using ModelSession session = new(quantized, new() { Threads = 1 });
        using IDisposable none = no_grad();
        int same = 0;
        foreach (Sample sample in data.Take(Images).Samples())
        {
            using IDisposable scope = NewDisposeScope();
            graph.Refresh();
            Tensor own = (Tensor)graph.Program.Run(sample.Steps[0].ToDictionary(i => i.Key, i => TorchTensors.ToTorch(i.Value)))[0]!;
            float[] given = session.Run(sample.Steps[0]).Values.First().ToFloats();
            same += own.flatten().argmax().item<long>() == Array.IndexOf(given, given.Max()) ? 1 : 0;
        }
        output.WriteLine($"{name}, {bits} bits: {same} of {Images} the same");
        Assert.True(same >= 0.995 * Images, $"{same} of {Images}");
    }
}
