using System.Globalization;
using Tersor.Compression.Training;
using Tersor.Onnx;
using Tersor.Training;

namespace Tersor.TrainingTables;

/// <summary>Networks trained from random weights, from the file alone. A run takes minutes to an hour: each is kept in artifacts/training, goes on where it was stopped, and is not made again once it is done.</summary>
internal static class FromScratch
{
    public static int Run(string[] arguments, TextWriter output)
    {
        output.WriteLine("| network | seeds | test accuracy | of the file as it was given | difference, points | images/s |");
        output.WriteLine("|---|---|---|---|---|---|");
        foreach ((string name, int epochs, int seeds, double accuracy) in FashionMnist.Networks.Where(n => arguments.Length == 0 || arguments.Contains(n.Name)))
        {
            Outcome[] outcomes = [.. Enumerable.Range(0, seeds).Select(seed => One(name, epochs, seed))];
            double mean = outcomes.Average(o => o.Accuracy);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {seeds} | {mean:F4} | {accuracy:F4} | {100 * (mean - accuracy):+0.00;-0.00} | {outcomes.Average(o => o.ImagesPerSecond):F0} |"));
            output.Flush();
        }
        return 0;
    }

    private static Outcome One(string name, int epochs, int seed) => Runs.Once($"{name}-{seed}", start =>
    {
        Model model = FashionMnist.Load(name);
        TrainingSettings settings = FashionMnist.Recipe(name, epochs) with { Seed = seed, Checkpoint = $"{start}.ckpt" };
        TrainingResult result = new Trainer(new(model, FashionMnist.Data(model, test: false).DataSet, settings)).Run(new Runs.Lines($"{name} seed {seed}"));
        result.Model.Save($"{start}.onnx");
        return new Outcome(Runs.Accuracy(result.Model), result.SamplesPerSecond);
    });

    private sealed record Outcome(double Accuracy, double ImagesPerSecond);
}
