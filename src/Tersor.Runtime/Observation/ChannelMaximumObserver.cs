using System.Numerics.Tensors;
using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>Largest magnitude of each channel of each value.</summary>
/// <param name="axes">Values to observe, with the channel axis of each; negative counts from the last.</param>
public sealed class ChannelMaximumObserver(IReadOnlyDictionary<Value, int> axes) : ValueObserver
{
    private readonly Dictionary<Value, float[]> maxima = [];

    /// <inheritdoc/>
    public override IReadOnlyCollection<Value> Values { get; } = [.. axes.Keys];

    /// <summary>The magnitudes so far, for the values that came; NaN where a channel held one.</summary>
    public IReadOnlyDictionary<Value, float[]> Maxima => maxima;

    /// <inheritdoc/>
    /// <exception cref="RuntimeException">The axis is outside the tensor's rank, or the number of channels changed.</exception>
    public override void Collect(Value value, ObservedTensor tensor)
    {
        int axis = axes[value] < 0 ? axes[value] + tensor.Shape.Length : axes[value];
        if (axis < 0 || axis >= tensor.Shape.Length)
            throw new RuntimeException($"'{value.Name}' has {Plural.Of(tensor.Shape.Length, "dimension")}; channels along axis {axes[value]} were asked for.");
        int channels = (int)tensor.Shape[axis], inner = (int)Onnx.Tensor.ElementCount(tensor.Shape[(axis + 1)..]);
        if (!maxima.TryGetValue(value, out float[]? known))
            maxima[value] = known = new float[channels];
        if (known.Length != channels)
            throw new RuntimeException($"'{value.Name}' had {Plural.Of(known.Length, "channel")} along axis {axes[value]} before and has {channels} now.");
        ReadOnlySpan<float> floats = tensor.Floats;
        for (int start = 0; start < floats.Length; start += channels * inner)
        {
            for (int c = 0; c < channels; c++)
                known[c] = MathF.Max(known[c], MathF.Abs(TensorPrimitives.MaxMagnitude(floats.Slice(start + c * inner, inner))));
        }
    }
}
