using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Pipeline.Quantization;
using Tersor.Testing;

namespace Tersor.Training.Tests.Quantized;

/// <summary>Quantization with training, as a whole.</summary>
public sealed class QuantizeJobTests
{
    private static readonly TrainingSettings Settings = new() { Epochs = 20, BatchSize = 16, LearningRate = 3e-3, WeightDecay = 0, Loss = new TrainingLoss.None(), KeepBest = false };

    [Theory]
    [InlineData(2, ElementType.UInt8)]
    [InlineData(3, ElementType.UInt8)]
    [InlineData(2, ElementType.UInt4)]
    public void Training_brings_outputs_closer_to_those_of_the_float_model(int bits, ElementType activations)
    {
        QuantizeResult result = Job(bits, activations).Run(Network(), Data, null, null, cancellation: TestContext.Current.CancellationToken);
        // Two bits do not keep the usual limit here. Eight bits leave too little to gain on a network as small as this one.
        QuantizationCandidate trained = result.Candidates.Single(c => c.Name == "trained"), before = result.Candidates.Single(c => c.Name == "before training");
        Assert.True(trained.Sqnr > before.Sqnr + 3, $"{bits} bits, {activations}: {before.Sqnr:F1} dB to {trained.Sqnr:F1} dB");
        Assert.Equal(before.SpeedUp, trained.SpeedUp); // one graph with other numbers in it
        Assert.True(trained.Chosen);
        ElementType stored = bits == 2 ? ElementType.Int2 : ElementType.Int4;
        Assert.Contains(result.Model.Graph.Initializers, v => v.Tensor!.Type == stored);
        Assert.Equal(bits == 2 ? 25 : 21, result.Model.Opset);
        Assert.Equal(QuantizationMode.Static, result.Mode);
        Assert.Contains(result.Model.AllNodes(), n => n.Is("Conv") && n.Input(1)?.Producer?.Is("DequantizeLinear") == true);
    }

    [Fact]
    public void A_run_that_was_stopped_ends_with_the_same_bytes()
    {
        string folder = Directory.CreateTempSubdirectory("tersor-").FullName;
        try
        {
            QuantizationTraining stopped = new(new TorchTraining(), Settings with { Epochs = 3, Checkpoint = Path.Combine(folder, "stopped") }, Data);
            using CancellationTokenSource stop = new();
            Assert.ThrowsAny<OperationCanceledException>(() => Run(stopped with { Progress = new Stopper(stop) }, stop.Token));
            QuantizationTraining whole = stopped with { Settings = stopped.Settings with { Checkpoint = Path.Combine(folder, "whole") } };
            File.Copy(Path.Combine(folder, "stopped.placement"), Path.Combine(folder, "whole.placement"));
            Assert.Equal(Run(whole), Run(stopped));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        // What training came to: which model is written is decided by times, which are never the same.
        static byte[] Run(QuantizationTraining training, CancellationToken cancellation = default)
        {
            Kept kept = new();
            new QuantizeJob(new()) { Training = training with { Trainer = kept } }.Run(Network(), Data, null, null, cancellation: cancellation);
            return kept.Result!.Model.ToBytes();
        }
    }

    private static IDataSet Data { get; } = SmallData.Of(96, "x", random => (OnnxTensor.Create([1, 3, 8, 8], [.. Enumerable.Range(0, 192).Select(_ => random.NextSingle() - 0.5f)]), OnnxTensor.Create([1], new[] { 0L })));

    private static QuantizeJob Job(int bits, ElementType activations) => new(new() { Format = new() { WeightBits = bits, Activations = activations }, Budget = new() { MinCosine = 0.9 }, RequireSpeed = false }) { Training = new(new TorchTraining(), Settings, Data) };

    private static Model Network() => Build.Model(["N", 3, 8, 8], (graph, x) =>
    {
        Value hidden = graph.Apply("Relu", [graph.Conv(x, 1, 3, 16)]);
        return graph.Apply("Flatten", [graph.Apply("GlobalAveragePool", [graph.Apply("Relu", [graph.Conv(hidden, 2, 16, 16)])])]);
    });

    /// <summary>Trains, and keeps the result.</summary>
    private sealed class Kept : ITraining
    {
        private readonly TorchTraining torch = new();

        public TrainingResult? Result { get; private set; }

        public TrainingResult Train(TrainingJob job, IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default) => Result = torch.Train(job, progress, cancellation);

        public IReadOnlyList<TrainingResult> Distill(TrainingJob job, IReadOnlyList<Model> assistants, IProgress<(int Link, TrainingProgress Progress)>? progress = null, CancellationToken cancellation = default) => torch.Distill(job, assistants, progress, cancellation);

        public GradientStatistics Gradients(TrainingJob job, IProgress<int>? progress = null, CancellationToken cancellation = default) => torch.Gradients(job, progress, cancellation);
    }

    private sealed class Stopper(CancellationTokenSource stop) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Step == 7)
                stop.Cancel();
        }
    }
}
