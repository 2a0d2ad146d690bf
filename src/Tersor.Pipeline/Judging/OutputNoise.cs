using Tersor.Data;
using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Pipeline.Judging;

/// <summary>How far a changed model's outputs are from the original's, over fixed samples: energy of the difference over energy of the signal, mean over the outputs, so that none hides behind a larger one.</summary>
/// <remarks>State a recurrent model feeds back is part of it, since it is fed back here too. What a search ranks by; whether a model keeps within a budget is for the <see cref="Judge"/> to say.</remarks>
internal sealed class OutputNoise
{
    /// <summary>The most an output counts for that has nothing in common with what it should be.</summary>
    internal const double Unlike = 1e6;

    private readonly IReadOnlyList<Sample> samples;
    private readonly IReadOnlyDictionary<string, string> feedback;
    private readonly SessionSettings settings;
    private readonly List<float[][]> expected = [];

    /// <param name="original">The float model. All its floating-point outputs are compared, as logits where they end in a squashing function.</param>
    /// <param name="data">Samples to run; few enough to be kept in memory, since they are run again and again.</param>
    /// <param name="settings">How to run.</param>
    /// <param name="cancellation">Looked at between samples.</param>
    public OutputNoise(Model original, IDataSet data, SessionSettings settings, CancellationToken cancellation)
    {
        (samples, feedback, this.settings) = ([.. data.Samples()], data.Feedback, settings);
        Model view = original.Clone();
        IReadOnlyList<string> outputs = LogitView.AddTo(view);
        using ModelSession session = new(view, settings);
        expected.AddRange(Run(session, outputs, null, samples.Count, cancellation));
    }

    /// <summary>How many samples there are.</summary>
    public int SampleCount => samples.Count;

    /// <summary>Mean over the samples of ‖y − ŷ‖² / ‖y‖²; +∞ when the model gives something that is not a number.</summary>
    public double Of(Model changed, CancellationToken cancellation)
    {
        Model view = changed.Clone();
        IReadOnlyList<string> outputs = LogitView.AddTo(view);
        using ModelSession session = new(view, settings);
        return Of(session, outputs, null, samples.Count, cancellation);
    }

    /// <summary>The same of a model that is loaded, over the first samples.</summary>
    /// <param name="session">The changed model.</param>
    /// <param name="outputs">Its outputs to compare, in the order of the original's.</param>
    /// <param name="further">Inputs it takes beside those of the samples; null for none.</param>
    /// <param name="count">How many samples.</param>
    /// <param name="cancellation">Looked at between samples.</param>
    public double Of(ModelSession session, IReadOnlyList<string> outputs, IReadOnlyDictionary<string, Tensor>? further, int count, CancellationToken cancellation)
    {
        double sum = 0;
        int index = 0;
        foreach (float[][] values in Run(session, outputs, further, count, cancellation))
        {
            sum += Noise(expected[index], values, expected[index].Length / samples[index].Steps.Count);
            index++;
        }
        double mean = sum / Math.Max(1, count);
        return double.IsNaN(mean) ? double.PositiveInfinity : mean;
    }

    /// <summary>Signal to noise in dB.</summary>
    public static double Decibel(double noise) => -10 * Math.Log10(noise);

    private static double Noise(float[][] reference, float[][] values, int outputs)
    {
        double sum = 0;
        for (int output = 0; output < outputs; output++)
        {
            double noise = 0, signal = 0;
            for (int part = output; part < reference.Length; part += outputs)
            {
                float[] wanted = reference[part], given = values[part];
                // Outputs whose size depends on the data, such as a list of detections, may differ in length: what one of them lacks counts as zeros.
                for (int i = 0; i < Math.Max(wanted.Length, given.Length); i++)
                {
                    double y = i < wanted.Length ? wanted[i] : 0, approximation = i < given.Length ? given[i] : 0;
                    if (double.IsNaN(y) || !double.IsFinite(y) && y.Equals(approximation)) // what the original cannot compute, and -∞ masks
                        continue;
                    noise += (y - approximation) * (y - approximation);
                    signal += y * y;
                }
            }
            // An output that should be zero everywhere has no signal to compare with.
            sum += noise == 0 ? 0 : Math.Min(noise / Math.Max(signal, double.Epsilon), Unlike);
        }
        return outputs == 0 ? 0 : sum / outputs;
    }

    private IEnumerable<float[][]> Run(ModelSession session, IReadOnlyList<string> outputs, IReadOnlyDictionary<string, Tensor>? further, int count, CancellationToken cancellation)
    {
        SampleRunner runner = new(session, feedback);
        foreach (Sample sample in samples.Take(count))
        {
            Sample fed = further is null ? sample : sample with { Steps = [.. sample.Steps.Select(step => step.Concat(further).ToDictionary(p => p.Key, p => p.Value))] };
            yield return [.. runner.Run(fed, outputs, cancellation).SelectMany(step => outputs.Select(name => step[name]))
                .Where(t => t.Type is ElementType.Float32 or ElementType.Float64 or ElementType.Float16).Select(t => t.ToFloats())];
        }
    }
}
