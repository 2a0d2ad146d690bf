using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>Mean and variance of each channel of a value.</summary>
public sealed class ChannelMoments
{
    private readonly double[] means;
    private readonly double[] squares; // sums of squared deviations from the mean

    internal ChannelMoments(int channels) => (means, squares) = (new double[channels], new double[channels]);

    /// <summary>Elements seen in each channel.</summary>
    public long Count { get; private set; }

    /// <summary>Mean of each channel.</summary>
    public ReadOnlySpan<double> Means => means;

    /// <summary>Variance of each channel: mean squared deviation from the mean (divided by the count, as BatchNormalization does).</summary>
    public double[] Variances() => Array.ConvertAll(squares, s => Count == 0 ? double.NaN : s / Count);

    /// <summary>Joins a tensor seen as [outer, channels, inner].</summary>
    /// <remarks>Chan, Golub and LeVeque 1983, The American Statistician 37(3), 242-247: pairwise joining of means and squares.</remarks>
    internal void Add(ReadOnlySpan<float> values, int outer, int inner)
    {
        int channels = means.Length;
        long added = (long)outer * inner;
        if (added == 0)
            return;
        double[] sums = new double[channels], deviations = new double[channels];
        for (int i = 0, start = 0; i < outer; i++)
        {
            for (int c = 0; c < channels; c++, start += inner)
            {
                double sum = 0;
                foreach (float x in values.Slice(start, inner))
                    sum += x;
                sums[c] += sum;
            }
        }
        for (int i = 0, start = 0; i < outer; i++)
        {
            for (int c = 0; c < channels; c++, start += inner)
            {
                double mean = sums[c] / added, sum = 0;
                foreach (float x in values.Slice(start, inner))
                    sum += (x - mean) * (x - mean);
                deviations[c] += sum;
            }
        }
        long total = Count + added;
        for (int c = 0; c < channels; c++)
        {
            double delta = sums[c] / added - means[c];
            means[c] += delta * added / total;
            squares[c] += deviations[c] + delta * delta * Count * added / total;
        }
        Count = total;
    }
}

/// <summary>Running mean and variance of each value, for each place along one axis.</summary>
/// <param name="axes">Values to observe, with the channel axis of each (negative counts from the last); null for one mean and variance over all elements.</param>
public sealed class MomentsObserver(IReadOnlyDictionary<Value, int?> axes) : ValueObserver
{
    private readonly Dictionary<Value, ChannelMoments> moments = [];

    /// <inheritdoc/>
    public override IReadOnlyCollection<Value> Values { get; } = [.. axes.Keys];

    /// <summary>The moments so far, for the values that came.</summary>
    public IReadOnlyDictionary<Value, ChannelMoments> Moments => moments;

    /// <inheritdoc/>
    /// <exception cref="RuntimeException">The axis is outside the tensor's rank, or the number of channels changed.</exception>
    public override void Collect(Value value, ObservedTensor tensor)
    {
        int outer = 1, channels = 1, inner = tensor.Floats.Length;
        if (axes[value] is { } axis)
        {
            int at = axis < 0 ? axis + tensor.Shape.Length : axis;
            if (at < 0 || at >= tensor.Shape.Length)
                throw new RuntimeException($"'{value.Name}' has {Plural.Of(tensor.Shape.Length, "dimension")}; moments along axis {axis} were asked for.");
            outer = (int)Tensor.ElementCount(tensor.Shape[..at]);
            channels = (int)tensor.Shape[at];
            inner = (int)Tensor.ElementCount(tensor.Shape[(at + 1)..]);
        }
        if (!moments.TryGetValue(value, out ChannelMoments? known))
            moments[value] = known = new(channels);
        if (known.Means.Length != channels)
            throw new RuntimeException($"'{value.Name}' had {Plural.Of(known.Means.Length, "channel")} along axis {axes[value]} before and has {channels} now.");
        known.Add(tensor.Floats, outer, inner);
    }
}
