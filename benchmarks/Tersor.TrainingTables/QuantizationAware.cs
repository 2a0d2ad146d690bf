using System.Globalization;
using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Pipeline.Quantization;
using Tersor.Training;

namespace Tersor.TrainingTables;

/// <summary>Quantization-aware training beside static quantization at the same bits, whatever can be in integers. Kept and resumed like training from scratch.</summary>
internal static class QuantizationAware
{
    /// <summary>Bits of a weight, epochs and peak learning rate: the coarser the weights, the further training has to go.</summary>
    private static readonly (int Bits, int Epochs, double Rate)[] Numbers = [(8, 1, 2e-4), (4, 2, 5e-4), (2, 4, 1e-3)];

    private static readonly (string Name, int Seeds)[] Networks = [("fmnist_cnn", 3), ("fmnist_mobilenet", 3), ("fmnist_vit", 1)];

    public static int Run(string[] arguments, TextWriter output)
    {
        output.WriteLine("| network | weight bits | seeds | float | static | trained | trained against float, points |");
        output.WriteLine("|---|---|---|---|---|---|---|");
        foreach ((string name, int seeds) in Networks.Where(n => arguments.Length == 0 || arguments.Contains(n.Name)))
        {
            foreach ((int bits, int epochs, double rate) in Numbers.Where(n => !arguments.Any(a => int.TryParse(a, out _)) || arguments.Contains($"{n.Bits}")))
            {
                Outcome[] outcomes = [.. Enumerable.Range(0, seeds).Select(seed => One(name, bits, epochs, rate, seed))];
                double trained = outcomes.Average(o => o.Trained), whole = outcomes[0].Float;
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {bits} | {seeds} | {whole:F4} | {outcomes[0].Static:F4} | {trained:F4} | {100 * (trained - whole):+0.00;-0.00} |"));
                output.Flush();
            }
        }
        return 0;
    }

    private static Outcome One(string name, int bits, int epochs, double rate, int seed) => Runs.Once($"{name}-{bits}bit-{seed}", start =>
    {
        Model model = FashionMnist.Load(name);
        IDataSet data = FashionMnist.Data(model, test: false).DataSet;
        TrainingSettings settings = FashionMnist.Recipe(name, epochs) with { Seed = seed, Checkpoint = $"{start}.ckpt", Reinitialize = false, LearningRate = rate, WeightDecay = 0, Loss = new TrainingLoss.None() };
        Kept trainer = new();
        QuantizeJob job = new(new() { Format = new() { WeightBits = bits }, RequireSpeed = false }) { Training = new(trainer, settings, data) { Progress = new Runs.Lines($"{name} {bits} bits seed {seed}") } };
        QuantizeResult result = job.Run(model, data.Take(200, seed), null, null);
        result.Model.Save($"{start}.onnx");
        return new Outcome(Runs.Accuracy(model), Runs.Accuracy(trainer.Before!), Runs.Accuracy(result.Model));
    });

    private sealed record Outcome(double Float, double Static, double Trained);

    /// <summary>Trains, and keeps what it was given: the statically quantized model.</summary>
    private sealed class Kept : ITraining
    {
        private readonly TorchTraining torch = new();

        public Model? Before { get; private set; }

        public TrainingResult Train(TrainingJob job, IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default)
        {
            Before = job.Model;
            return torch.Train(job, progress, cancellation);
        }

        public IReadOnlyList<TrainingResult> Distill(TrainingJob job, IReadOnlyList<Model> assistants, IProgress<(int Link, TrainingProgress Progress)>? progress = null, CancellationToken cancellation = default) => torch.Distill(job, assistants, progress, cancellation);

        public GradientStatistics Gradients(TrainingJob job, IProgress<int>? progress = null, CancellationToken cancellation = default) => torch.Gradients(job, progress, cancellation);
    }
}
