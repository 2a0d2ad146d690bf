using Tersor.Data;
using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>Whether the engine computes what the file says: the same model with its optimizations on (as users run it) and off.</summary>
public static class EngineAgreement
{
    private static readonly Dictionary<string, string> NoFeedback = [];

    /// <summary>Runs samples with optimizations on and off and compares the outputs.</summary>
    /// <param name="model">Not modified.</param>
    /// <param name="samples">What is fed. One shows wrong scales; a few make the comparison of small outputs safe.</param>
    /// <param name="settings">How to run; its degree of optimization is that of the optimized run.</param>
    /// <param name="reference">The float model with the same outputs, so that "no worse than as written" can be judged; null: only the difference is.</param>
    /// <param name="feedback">Output name → input name, from one step of a sample to the next; null for none.</param>
    /// <param name="cancellation">Looked at between steps.</param>
    /// <exception cref="RuntimeException">The engine cannot run the model with optimizations on, or not the reference.</exception>
    public static EngineAgreementResult Measure(Model model, IReadOnlyList<Sample> samples, SessionSettings settings, Model? reference = null,
        IReadOnlyDictionary<string, string>? feedback = null, CancellationToken cancellation = default)
    {
        string[] outputs;
        IReadOnlyList<float[]> optimized, written;
        using (ModelSession session = new(model, settings))
        {
            outputs = [.. session.Outputs.Where(o => o.Type is OnnxType.Tensor { ElementType: ElementType.Float32 or ElementType.Float64 or ElementType.Float16 or ElementType.BFloat16 }).Select(o => o.Name)];
            if (outputs.Length == 0)
                return new([]); // answers only: nothing that rounding could explain
            optimized = Run(session, outputs, samples, feedback, cancellation);
        }
        try
        {
            using ModelSession session = new(model, AsWritten(settings));
            written = Run(session, outputs, samples, feedback, cancellation);
        }
        catch (RuntimeException e)
        {
            return new([]) { NotComparable = e.Message };
        }
        IReadOnlyList<float[]>? expected = null;
        if (reference is not null)
        {
            using ModelSession session = new(reference, settings);
            expected = Run(session, outputs, samples, feedback, cancellation);
        }
        return new([.. outputs.Select((name, i) => new OutputAgreement(name, Distance(optimized[i], written[i]),
            expected is null ? null : Distance(optimized[i], expected[i]), expected is null ? null : Distance(written[i], expected[i])))]);
    }

    /// <summary>The nodes between DequantizeLinear and QuantizeLinear that the engine computes otherwise than the file says, each tried alone on what it reads in the sample; the worst first.</summary>
    /// <param name="model">Not modified. Bodies are looked at too, functions are not.</param>
    /// <param name="sample">What is fed. Of several steps, the first is looked at.</param>
    /// <param name="settings">How to run.</param>
    /// <param name="cancellation">Looked at between nodes.</param>
    /// <exception cref="RuntimeException">The engine cannot run the model.</exception>
    public static IReadOnlyList<EngineCulprit> Culprits(Model model, Sample sample, SessionSettings settings, CancellationToken cancellation = default)
    {
        IsolatedNode[] nodes = [.. model.Graph.WithNested().SelectMany(g => g.Nodes).Select(IsolatedNode.Of).OfType<IsolatedNode>()];
        Dictionary<IsolatedNode, EngineCulprit> found = [];
        InputCollector collector = new(nodes, (node, inputs) =>
        {
            cancellation.ThrowIfCancellationRequested();
            if (node.Compare(inputs, settings) is { } culprit && culprit.Difference > (found.GetValueOrDefault(node)?.Difference ?? 0))
                found[node] = culprit;
        });
        Observer.Observe(model, [sample with { Steps = [sample.Steps[0]] }], NoFeedback, [collector], new() { Session = AsWritten(settings) }, cancellation: cancellation);
        return [.. found.Values.OrderByDescending(c => c.Difference)];
    }

    internal static SessionSettings AsWritten(SessionSettings settings) => settings with { Optimization = EngineOptimization.None };

    /// <summary>‖values − expected‖² / ‖expected‖². What one of them lacks counts as zeros; what is not finite in both alike is left out.</summary>
    internal static double Distance(ReadOnlySpan<float> values, ReadOnlySpan<float> expected)
    {
        double noise = 0, signal = 0;
        for (int i = 0; i < Math.Max(values.Length, expected.Length); i++)
        {
            double value = i < values.Length ? values[i] : 0, wanted = i < expected.Length ? expected[i] : 0;
            if (!double.IsFinite(wanted) && wanted.Equals(value))
                continue;
            noise += (value - wanted) * (value - wanted);
            signal += wanted * wanted;
        }
        return noise == 0 ? 0 : double.IsFinite(noise) ? noise / Math.Max(signal, double.Epsilon) : double.PositiveInfinity;
    }

    /// <summary>All values of each output, samples and steps one behind the other.</summary>
    private static IReadOnlyList<float[]> Run(ModelSession session, string[] outputs, IReadOnlyList<Sample> samples, IReadOnlyDictionary<string, string>? feedback, CancellationToken cancellation)
    {
        List<float>[] values = [.. outputs.Select(_ => new List<float>())];
        SampleRunner runner = new(session, feedback);
        foreach (IReadOnlyDictionary<string, Tensor> step in samples.SelectMany(s => runner.Run(s, outputs, cancellation)))
        {
            for (int i = 0; i < outputs.Length; i++)
                values[i].AddRange(step[outputs[i]].ToFloats());
        }
        return [.. values.Select(v => v.ToArray())];
    }
}
