using System.Numerics.Tensors;
using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>Range of the finite values seen.</summary>
/// <param name="Min">Least finite value; +∞ when there was none.</param>
/// <param name="Max">Greatest finite value; -∞ when there was none.</param>
/// <param name="NonFinite">How many values were NaN or infinite.</param>
public readonly record struct ValueRange(float Min, float Max, long NonFinite);

/// <summary>Least and greatest element of each value.</summary>
/// <param name="values">Values to observe.</param>
public sealed class MinMaxObserver(IEnumerable<Value> values) : ValueObserver
{
    private readonly Dictionary<Value, ValueRange> ranges = values.Distinct().ToDictionary(v => v, _ => new ValueRange(float.PositiveInfinity, float.NegativeInfinity, 0));

    /// <inheritdoc/>
    public override IReadOnlyCollection<Value> Values => ranges.Keys;

    /// <summary>The ranges so far.</summary>
    public IReadOnlyDictionary<Value, ValueRange> Ranges => ranges;

    /// <inheritdoc/>
    public override void Collect(Value value, ObservedTensor tensor)
    {
        ReadOnlySpan<float> floats = tensor.Floats;
        if (floats.IsEmpty)
            return;
        (float min, float max, long nonFinite) = (TensorPrimitives.Min(floats), TensorPrimitives.Max(floats), 0L);
        if (!float.IsFinite(min) || !float.IsFinite(max))
        {
            (min, max) = (float.PositiveInfinity, float.NegativeInfinity);
            foreach (float x in floats)
            {
                if (float.IsFinite(x))
                    (min, max) = (MathF.Min(min, x), MathF.Max(max, x));
                else
                    nonFinite++;
            }
        }
        ValueRange old = ranges[value];
        ranges[value] = new(MathF.Min(old.Min, min), MathF.Max(old.Max, max), old.NonFinite + nonFinite);
    }
}
