using Tersor.Data;
using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Pipeline.Quantization;

/// <summary>How far a changed model's outputs are from the original's, over fixed samples: energy of the difference over energy of the signal.</summary>
/// <remarks>State a recurrent model feeds back is part of it, since it is fed back here too.</remarks>
internal sealed class OutputNoise
{
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
        foreach (float[][] values in Run(original, cancellation))
            expected.Add(values);
    }

    /// <summary>Mean over the samples of ‖y − ŷ‖² / ‖y‖²; +∞ when the model gives something that is not a number.</summary>
    public double Of(Model changed, CancellationToken cancellation)
    {
        double sum = 0;
        int index = 0;
        foreach (float[][] values in Run(changed, cancellation))
        {
            double noise = 0, signal = 0;
            float[][] reference = expected[index++];
            for (int part = 0; part < reference.Length; part++)
            {
                float[] wanted = reference[part], given = values[part];
                // Outputs whose size depends on the data, such as a list of detections, may differ in length: what one of them lacks counts as zeros.
                for (int i = 0; i < Math.Max(wanted.Length, given.Length); i++)
                {
                    double y = i < wanted.Length ? wanted[i] : 0, approximation = i < given.Length ? given[i] : 0;
                    if (!double.IsFinite(y) && y.Equals(approximation)) // -∞ masks, and what both cannot compute
                        continue;
                    noise += (y - approximation) * (y - approximation);
                    signal += y * y;
                }
            }
            sum += noise / Math.Max(signal, double.Epsilon);
        }
        double mean = sum / Math.Max(1, samples.Count);
        return double.IsNaN(mean) ? double.PositiveInfinity : mean;
    }

    /// <summary>Signal to noise in dB.</summary>
    public static double Decibel(double noise) => -10 * Math.Log10(noise);

    private IEnumerable<float[][]> Run(Model model, CancellationToken cancellation)
    {
        Model view = model.Clone();
        IReadOnlyList<string> outputs = LogitView.AddTo(view);
        using ModelSession session = new(view, settings);
        SampleRunner runner = new(session, feedback);
        foreach (Sample sample in samples)
        {
            yield return [.. runner.Run(sample, outputs, cancellation).SelectMany(step => outputs.Select(name => step[name]))
                .Where(t => t.Type is ElementType.Float32 or ElementType.Float64 or ElementType.Float16).Select(t => t.ToFloats())];
        }
    }
}
