using Tersor.Data;
using Tersor.Onnx;
using Tersor.Onnx.Files;
using Tersor.Runtime;

namespace Tersor.Pipeline.Quantization;

/// <summary>How fast models are beside each other here: all run one sample, interleaved.</summary>
internal static class SpeedCheck
{
    /// <summary>Time one measurement takes at least, and what all of them together may take.</summary>
    private static readonly TimeSpan Measurement = TimeSpan.FromMilliseconds(2), Whole = TimeSpan.FromSeconds(12);

    /// <summary>Share of the time left that one measurement may take.</summary>
    private const double ShareOfTime = 0.1;

    /// <summary>Bytes of weights of models that are loaded at once, about; large networks are measured a few at a time, each time beside the first. A loaded model takes several times as much.</summary>
    private const long LoadedBytes = 64L << 20;

    /// <summary>How many models the size of this one may be loaded at once, beside it.</summary>
    public static int AtOnce(Model model) => (int)Math.Clamp(LoadedBytes / Math.Max(model.WeightBytes(), 1), 1, 1000);

    /// <summary>How many times faster than the first each model is, with its 95 % interval, and the median latency in milliseconds.</summary>
    /// <param name="models">The first is what the others are compared with.</param>
    /// <param name="sample">What is fed.</param>
    /// <param name="session">How to run.</param>
    /// <param name="time">Bounds it.</param>
    /// <param name="progress">Told after every round, as a share 0..1.</param>
    /// <param name="cancellation">Stops it.</param>
    public static IReadOnlyList<(MedianInterval SpeedUp, double Milliseconds)> Measure(IReadOnlyList<Model> models, Sample sample, SessionSettings session, TimeLimit time, IProgress<double>? progress, CancellationToken cancellation)
    {
        int atOnce = AtOnce(models[0]);
        if (models.Count - 1 <= atOnce)
            return Together(models, sample, session, Whole, time, progress, cancellation);
        List<(MedianInterval, double)> measured = [];
        Model[][] parts = [.. models.Skip(1).Chunk(atOnce)];
        foreach (Model[] part in parts)
        {
            var found = Together([models[0], .. part], sample, session, Whole / parts.Length, time, progress, cancellation);
            measured.AddRange(measured.Count == 0 ? found : found.Skip(1));
        }
        return measured;
    }

    private static IReadOnlyList<(MedianInterval SpeedUp, double Milliseconds)> Together(IReadOnlyList<Model> models, Sample sample, SessionSettings session, TimeSpan whole, TimeLimit time, IProgress<double>? progress, CancellationToken cancellation)
    {
        using ScratchFolder folder = new();
        BenchmarkModel[] files = [.. models.Select((model, i) =>
        {
            string path = TemporaryModel.Save(model, folder, $"{i}.onnx");
            return new BenchmarkModel(path, path, RuntimeValue.All(sample.Steps[0]));
        })];
        BenchmarkOptions options = new() { Rounds = 3, Session = session, MeasureMemory = false, MinMeasurement = Measurement };
        double round = Benchmark.Run(files, options, null, cancellation).Results.Sum(r => Math.Max(r.Latency.Median, Measurement.TotalMilliseconds));
        int rounds = (int)Math.Clamp(time.AtMost(whole, ShareOfTime).TotalMilliseconds / round, 7, 60);
        return [.. Benchmark.Run(files, options with { Rounds = rounds }, new RoundShare(progress, rounds), cancellation).Results.Select(r => (r.SpeedUp, r.Latency.Median))];
    }

    private sealed class RoundShare(IProgress<double>? progress, int rounds) : IProgress<int>
    {
        public void Report(int value) => progress?.Report((double)value / rounds);
    }
}
