using Tersor.Data;
using Tersor.Onnx;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Tersor.Pipeline.Quantization;

/// <summary>Samples that go a little further than any of a set, as inputs to come may: copies of those with the greatest contrast, with still more of it.</summary>
/// <remarks>A range that exactly fits what was seen can lose everything of an input of slightly greater contrast, since what a network makes of that can be many times as large.
/// Ranges that are learned from such samples too, and chosen by their error on them, have a margin where it costs less than it protects.</remarks>
internal static class StressedSamples
{
    /// <summary>How far values of an input lie from their mean, in times of what they did.</summary>
    private const double Contrast = 1.25;

    /// <summary>Samples that are looked through for those that go furthest.</summary>
    private const int Looked = 64;

    /// <summary>One stressed sample is added for so many.</summary>
    private const int Share = 8;

    /// <summary>The samples, and stressed ones behind them.</summary>
    /// <param name="samples">What is calibrated on.</param>
    public static IDataSet AddedTo(IDataSet samples) => new Extended(samples, Of(samples, Math.Max(2, samples.Count / Share)));

    /// <summary>The first samples of one set, and stressed ones of another.</summary>
    /// <param name="held">Samples nothing was learned from.</param>
    /// <param name="plain">How many of them.</param>
    /// <param name="calibrating">Samples ranges are learned from.</param>
    /// <param name="stressed">How many stressed ones.</param>
    public static IDataSet Beside(IDataSet held, int plain, IDataSet calibrating, int stressed) => new Extended(held.Take(plain), Of(calibrating, stressed));

    /// <summary>Stressed copies of those samples that go furthest; none where inputs are integers.</summary>
    private static IReadOnlyList<Sample> Of(IDataSet data, int count)
    {
        Sample[] seen = [.. data.Take(Looked).Samples()];
        Dictionary<string, (float Low, float High)> ends = seen.SelectMany(s => s.Steps).SelectMany(s => s).Where(v => IsStressed(v.Key, v.Value, data))
            .GroupBy(v => v.Key).ToDictionary(g => g.Key, g => (g.Min(v => TensorPrimitives.Min(v.Value.Span<float>())), g.Max(v => TensorPrimitives.Max(v.Value.Span<float>()))));
        return ends.Count == 0 ? [] : [.. seen.OrderByDescending(s => s.Steps.Sum(step => step.Where(v => ends.ContainsKey(v.Key)).Sum(v => Spread(v.Value)))).Take(count).Select(Stressed)];

        Sample Stressed(Sample sample) => sample with
        {
            Name = $"{sample.Name}, with more contrast",
            Steps = [.. sample.Steps.Select(step => step.ToDictionary(v => v.Key, v => ends.TryGetValue(v.Key, out (float Low, float High) end) ? Further(v.Value, end.Low, end.High) : v.Value))],
        };
    }

    private static bool IsStressed(string input, Tensor value, IDataSet data) => value is { Type: ElementType.Float32, Length: > 1 } && !data.Feedback.Values.Contains(input);

    /// <summary>Sum of squared distances from the mean.</summary>
    private static double Spread(Tensor value)
    {
        ReadOnlySpan<float> values = value.Span<float>();
        double mean = TensorPrimitives.Sum(values) / values.Length, sum = 0;
        foreach (float x in values)
            sum += (x - mean) * (x - mean);
        return sum;
    }

    /// <summary>Greater contrast, within the ends that any input has: a picture has no pixel brighter than white.</summary>
    private static Tensor Further(Tensor value, float low, float high)
    {
        ReadOnlySpan<float> values = value.Span<float>();
        double mean = TensorPrimitives.Sum(values) / values.Length;
        float[] further = new float[values.Length];
        for (int i = 0; i < further.Length; i++)
            further[i] = Math.Clamp((float)(mean + Contrast * (values[i] - mean)), low, high);
        return Tensor.Create(value.Shape.AsSpan(), further);
    }

    private sealed class Extended(IDataSet samples, IReadOnlyList<Sample> further) : IDataSet
    {
        public string Name => samples.Name;

        public int Count => samples.Count + further.Count;

        public IReadOnlyDictionary<string, string> Feedback => samples.Feedback;

        public Sample Read(int index) => index < samples.Count ? samples.Read(index) : further[index - samples.Count];
    }
}
