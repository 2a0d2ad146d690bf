using Tersor.Data;
using Tersor.Data.Metrics;
using Tersor.Onnx;
using Tersor.Runtime;
using Steps = System.Collections.Generic.IReadOnlyList<System.Collections.Generic.IReadOnlyDictionary<string, Tersor.Onnx.Tensor>>;

namespace Tersor.Pipeline.Judging;

/// <summary>What the original model gives for every sample: run once, and again only for what would take too much memory to keep.</summary>
/// <param name="model">The original, with its logits given out. Not modified.</param>
/// <param name="samples">What is fed.</param>
/// <param name="metric">Makes the metric; null where there are no labels.</param>
/// <param name="settings">How to run.</param>
internal sealed class ReferenceRuns(Model model, IDataSet samples, Func<IMetric>? metric, SessionSettings settings) : IDisposable
{
    /// <summary>Bytes of outputs that are kept.</summary>
    private const long Kept = 128L << 20;

    private readonly List<Steps?> outputs = [];
    private readonly List<double> single = [];
    private readonly Dictionary<int, double> whole = [];
    private readonly IMetric? counter = metric?.Invoke();
    private ModelSession? session;
    private SampleRunner? runner;
    private readonly HashSet<string> measured = [];
    private long bytes;

    /// <summary>Outputs that the metric has looked at.</summary>
    public IReadOnlySet<string> Measured => measured;

    /// <summary>The outputs for a sample, and what the metric gives for it alone (NaN without one).</summary>
    public (Steps Outputs, double Metric) Of(int index, Sample sample, CancellationToken cancellation)
    {
        if (index < outputs.Count && outputs[index] is { } known)
            return (known, single[index]);
        Steps made = Run(sample, cancellation);
        if (index == outputs.Count)
        {
            bytes += made.SelectMany(s => s.Values).Sum(t => t.ByteLength);
            outputs.Add(bytes <= Kept ? made : null);
            Observation observation = new(sample, [.. made.Select(step => new WatchedOutputs(step, measured))], null);
            counter?.Add(observation);
            single.Add(metric is null ? double.NaN : OfOne(metric, observation));
            whole[outputs.Count] = counter?.Value ?? double.NaN;
        }
        return (made, single[index]);
    }

    /// <summary>The metric over the first samples, all of which were asked for.</summary>
    public double Metric(int count) => whole.GetValueOrDefault(count, double.NaN);

    /// <summary>The metric of one sample alone.</summary>
    public static double OfOne(Func<IMetric> metric, Observation observation)
    {
        IMetric one = metric();
        one.Add(observation);
        return one.Value;
    }

    /// <summary>Lets the model go until it is needed again: it takes as much memory as its weights, and more.</summary>
    public void Unload()
    {
        session?.Dispose();
        (session, runner) = (null, null);
    }

    public void Dispose() => Unload();

    private Steps Run(Sample sample, CancellationToken cancellation)
    {
        session ??= new(model, settings);
        runner ??= new(session, samples.Feedback);
        return runner.Run(sample, null, cancellation);
    }
}
