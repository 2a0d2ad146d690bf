using System.Diagnostics;
using Microsoft.ML.OnnxRuntime;

namespace Tersor.Runtime;

/// <summary>How <see cref="Benchmark"/> measures. Immutable; change it with <c>with</c>.</summary>
public sealed record BenchmarkOptions
{
    /// <summary>Rounds; every model is measured once in each. Default 50.</summary>
    public int Rounds { get; init; } = 50;

    /// <summary>Runs of each model before the first round. Default 5.</summary>
    public int WarmUp { get; init; } = 5;

    /// <summary>A measurement repeats a faster model until this much time has passed, and takes the mean. Default 1 ms: single runs of slower models are measured one by one.</summary>
    public TimeSpan MinMeasurement { get; init; } = TimeSpan.FromMilliseconds(1);

    /// <summary>Seed of the order within a round. Default 1.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>How the engine loads and runs the models.</summary>
    public SessionSettings Session { get; init; } = new();

    /// <summary>Measure peak memory too, each model in a child process of its own. Default true.</summary>
    public bool MeasureMemory { get; init; } = true;
}

/// <summary>A model to be measured.</summary>
/// <param name="Name">Its name in tables.</param>
/// <param name="Path">Its file.</param>
/// <param name="Inputs">What it is fed.</param>
public sealed record BenchmarkModel(string Name, string Path, IReadOnlyDictionary<string, RuntimeValue> Inputs);

/// <summary>What was measured of one model. Times are in milliseconds of wall-clock time.</summary>
/// <param name="Name">The model's name.</param>
/// <param name="FileBytes">Size of the model file.</param>
/// <param name="Latency">Median latency with its 95 % confidence interval.</param>
/// <param name="P95">Latency that 95 % of the measurements do not exceed.</param>
/// <param name="SpeedUp">The first model's latency divided by this one's, paired by round: median with its 95 % confidence interval. 1 for the first.</param>
/// <param name="Throughput">Runs a second, by the median.</param>
/// <param name="LoadTime">Time to load the model.</param>
/// <param name="PeakMemoryBytes">Greatest resident memory of a child process that loads and runs it, above that of the child without a model; null when not measured.</param>
/// <param name="MemoryProblem">Why peak memory could not be measured, or null.</param>
/// <param name="Latencies">Every measurement, by round.</param>
public sealed record BenchmarkResult(string Name, long FileBytes, MedianInterval Latency, double P95, MedianInterval SpeedUp, double Throughput, double LoadTime,
    long? PeakMemoryBytes, string? MemoryProblem, IReadOnlyList<double> Latencies);

/// <summary>A benchmark's results, and where they hold.</summary>
/// <param name="Machine">Where it was measured.</param>
/// <param name="Threads">Threads within one operator; 0 means the engine's choice.</param>
/// <param name="Rounds">How many rounds.</param>
/// <param name="Results">One a model, in the order given.</param>
public sealed record BenchmarkReport(MachineInfo Machine, int Threads, int Rounds, IReadOnlyList<BenchmarkResult> Results);

/// <summary>Measures models against each other: interleaved in rounds, in random order within a round, so that a machine that slows down slows all of them.</summary>
public static class Benchmark
{
    /// <param name="models">The models; ratios are taken against the first.</param>
    /// <param name="options">How to measure.</param>
    /// <param name="progress">Told the number of rounds done.</param>
    /// <param name="cancellation">Looked at before every measurement.</param>
    /// <exception cref="RuntimeException">The engine cannot load or run a model.</exception>
    public static BenchmarkReport Run(IReadOnlyList<BenchmarkModel> models, BenchmarkOptions? options = null, IProgress<int>? progress = null, CancellationToken cancellation = default)
    {
        options ??= new();
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Rounds, 1);
        (long? Bytes, string? Problem)[] memory = [.. models.Select(m => options.MeasureMemory ? PeakMemory(m, options.Session, cancellation) : (null, null))];
        List<Runner> runners = [];
        try
        {
            foreach (BenchmarkModel model in models)
                runners.Add(new(model, options));
            Random random = new(options.Seed);
            Runner[] order = [.. runners];
            for (int round = 0; round < options.Rounds; round++)
            {
                random.Shuffle(order);
                foreach (Runner runner in order)
                {
                    cancellation.ThrowIfCancellationRequested();
                    runner.Measure();
                }
                progress?.Report(round + 1);
            }
            return new(MachineInfo.Here(), options.Session.Threads, options.Rounds, [.. runners.Select((r, i) => Result(r, runners[0], memory[i]))]);
        }
        finally
        {
            foreach (Runner runner in runners)
                runner.Dispose();
        }
    }

    private static BenchmarkResult Result(Runner runner, Runner first, (long? Bytes, string? Problem) memory)
    {
        MedianInterval latency = OrderStatistics.Median(runner.Latencies);
        return new(runner.Model.Name, new FileInfo(runner.Model.Path).Length, latency, OrderStatistics.Percentile([.. runner.Latencies.Order()], 0.95),
            OrderStatistics.Median(first.Latencies.Zip(runner.Latencies, (a, b) => a / b)), 1000 / latency.Median, runner.LoadTime, memory.Bytes, memory.Problem, runner.Latencies);
    }

    private static (long?, string?) PeakMemory(BenchmarkModel model, SessionSettings settings, CancellationToken cancellation)
    {
        using ModelGuard guard = new();
        GuardResult result = guard.Run(model.Path, [model.Inputs], null, settings, null, keepOutputs: false, repetitions: 3, cancellation);
        return result.Succeeded ? (result.PeakMemoryBytes - result.BaseMemoryBytes, null) : (null, result.Reason);
    }

    /// <summary>One model's session with its inputs made once.</summary>
    private sealed class Runner : IDisposable
    {
        private readonly ModelSession session;
        private readonly Dictionary<string, OrtValue> inputs = [];
        private readonly RunOptions run = new();
        private readonly int repetitions;

        public Runner(BenchmarkModel model, BenchmarkOptions options)
        {
            Model = model;
            long start = Stopwatch.GetTimestamp();
            session = new(model.Path, options.Session);
            LoadTime = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            session.RunEngine(name => model.Inputs.TryGetValue(name, out RuntimeValue? value) ? OrtValues.ToOrt(value) : null, session.OutputNames, (_, _) => { }); // says what is wrong with the inputs, if anything is
            foreach (string name in session.InputNames)
                inputs[name] = OrtValues.ToOrt(model.Inputs[name]);
            double fastest = double.PositiveInfinity;
            for (int i = 0; i < Math.Max(1, options.WarmUp); i++)
                fastest = Math.Min(fastest, Time(1));
            repetitions = Math.Clamp((int)Math.Ceiling(options.MinMeasurement.TotalMilliseconds / Math.Max(fastest, 1e-4)), 1, 100_000);
        }

        public BenchmarkModel Model { get; }

        public double LoadTime { get; }

        public List<double> Latencies { get; } = [];

        public void Measure() => Latencies.Add(Time(repetitions) / repetitions);

        public void Dispose()
        {
            foreach (OrtValue value in inputs.Values)
                value.Dispose();
            run.Dispose();
            session.Dispose();
        }

        private double Time(int count)
        {
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < count; i++)
                session.Engine.Run(run, inputs, session.OutputNames).Dispose();
            return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }
    }
}
