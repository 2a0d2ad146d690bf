using System.Globalization;
using System.Text.Json;
using Tersor.Compression.Training;
using Tersor.Data;
using Tersor.Data.Metrics;
using Tersor.Onnx;
using Tersor.Runtime;
using Tersor.Testing;

namespace Tersor.TrainingTables;

/// <summary>What all tables share.</summary>
internal static class Runs
{
    /// <summary>Where runs are kept.</summary>
    public static string Folder => Directory.CreateDirectory(Path.Combine(SharedFiles.Repository, "artifacts", "training")).FullName;

    /// <summary>What a run of that name came to, made where it was not yet. What was measured stays, whatever changes: delete its file to measure anew.</summary>
    public static T Once<T>(string run, Func<string, T> make)
    {
        string start = Path.Combine(Folder, run), done = $"{start}.json";
        if (File.Exists(done))
            return JsonSerializer.Deserialize<T>(File.ReadAllText(done))!;
        T outcome = make(start);
        File.WriteAllText(done, JsonSerializer.Serialize(outcome));
        Console.Error.WriteLine($"{run}: {outcome}");
        return outcome;
    }

    /// <summary>Top-1 on the test images of Fashion-MNIST, by ONNX Runtime.</summary>
    public static double Accuracy(Model model)
    {
        OpenedData test = FashionMnist.Data(model, test: true);
        IMetric metric = MetricCatalog.Create(test.Metrics[0]);
        using ModelSession session = new(model, new() { Threads = 1 });
        foreach (Sample sample in test.DataSet.Samples())
            metric.Add(new(sample, [session.Run(sample.Steps[0])], null));
        return metric.Value;
    }

    /// <summary>Says how far a run is, now and then.</summary>
    public sealed class Lines(string run) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Step % 100 == 0)
                Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{run}: step {value.Step}/{value.Steps}, loss {value.Loss:F4}, {value.SamplesPerSecond:F0} images/s"));
        }
    }
}
