using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>One <see cref="StreamingHistogram"/> a value. Strings are left out.</summary>
/// <param name="values">Values to observe.</param>
/// <param name="bins">Bins of each histogram: a power of two.</param>
public sealed class HistogramObserver(IEnumerable<Value> values, int bins = 4096) : ValueObserver
{
    private readonly Dictionary<Value, StreamingHistogram> histograms = values.Distinct().ToDictionary(v => v, _ => new StreamingHistogram(bins));

    /// <inheritdoc/>
    public override IReadOnlyCollection<Value> Values => histograms.Keys;

    /// <summary>The histograms so far; empty ones for values that never came.</summary>
    public IReadOnlyDictionary<Value, StreamingHistogram> Histograms => histograms;

    /// <inheritdoc/>
    public override void Collect(Value value, ObservedTensor tensor) => histograms[value].Add(tensor.Floats);
}
