using System.Numerics.Tensors;
using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>Average of the ranges that single samples had: least and greatest finite element of every sample, averaged over the samples.</summary>
/// <remarks>One outlier in one sample then counts as one sample, not as the whole range. Source: Krishnamoorthi 2018, arXiv:1806.08342, section 3.1.1; Jacob et al. 2018, arXiv:1712.05877, section 3.1.</remarks>
/// <param name="values">Values to observe.</param>
/// <param name="momentum">Share 0..1 (1 excluded) that the average keeps when a sample joins it; null: every sample weighs the same, in whatever order they come.</param>
public sealed class SampleRangeObserver(IEnumerable<Value> values, double? momentum = null) : ValueObserver
{
    private readonly Dictionary<Value, State> states = values.Distinct().ToDictionary(v => v, _ => new State());

    /// <inheritdoc/>
    public override IReadOnlyCollection<Value> Values => states.Keys;

    /// <summary>The averages so far, for the values that held something finite. The sample being run counts as it is so far.</summary>
    public IReadOnlyDictionary<Value, (double Low, double High)> Averages =>
        states.Where(s => s.Value.Min <= s.Value.Max).ToDictionary(s => s.Key, s => s.Value.Joined(momentum));

    /// <inheritdoc/>
    public override void Collect(Value value, ObservedTensor tensor)
    {
        ReadOnlySpan<float> floats = tensor.Floats;
        if (floats.IsEmpty)
            return;
        (float min, float max) = (TensorPrimitives.Min(floats), TensorPrimitives.Max(floats));
        if (!float.IsFinite(min) || !float.IsFinite(max))
        {
            float[] finite = Array.FindAll(floats.ToArray(), float.IsFinite);
            if (finite.Length == 0)
                return;
            (min, max) = (TensorPrimitives.Min(finite), TensorPrimitives.Max(finite));
        }
        states[value].Add(tensor.Sample, min, max, momentum);
    }

    private sealed class State
    {
        private int sample = -1;
        private long done; // samples in the average
        private double low, high;

        /// <summary>Range of the sample that is being run; empty at first.</summary>
        public float Min { get; private set; } = float.PositiveInfinity;

        public float Max { get; private set; } = float.NegativeInfinity;

        public void Add(int index, float min, float max, double? momentum)
        {
            if (index != sample && Min <= Max)
            {
                (low, high) = Joined(momentum);
                done++;
                (Min, Max) = (float.PositiveInfinity, float.NegativeInfinity);
            }
            sample = index;
            (Min, Max) = (MathF.Min(Min, min), MathF.Max(Max, max));
        }

        public (double Low, double High) Joined(double? momentum)
        {
            double keep = done == 0 ? 0 : momentum ?? (double)done / (done + 1);
            return (keep * low + (1 - keep) * Min, keep * high + (1 - keep) * Max);
        }
    }
}
