using Tersor.Data;
using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Pipeline.Quantization;

/// <summary>Whether a changed model is faster here: both run one sample, interleaved.</summary>
internal static class SpeedCheck
{
    private const int Rounds = 40;

    /// <summary>How many times faster than <paramref name="original"/> the changed model is, with its 95 % interval.</summary>
    public static MedianInterval Measure(Model original, Model changed, Sample sample, SessionSettings session, IProgress<double>? progress, CancellationToken cancellation)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("tersor-");
        try
        {
            BenchmarkModel[] models = [.. new[] { original, changed }.Select((model, i) =>
            {
                string path = Path.Combine(folder.FullName, $"{i}.onnx");
                model.Save(path);
                return new BenchmarkModel(path, path, sample.Steps[0]);
            })];
            BenchmarkOptions options = new() { Rounds = Rounds, Session = session, MeasureMemory = false };
            return Benchmark.Run(models, options, new RoundShare(progress), cancellation).Results[1].SpeedUp;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private sealed class RoundShare(IProgress<double>? progress) : IProgress<int>
    {
        public void Report(int value) => progress?.Report((double)value / Rounds);
    }
}
