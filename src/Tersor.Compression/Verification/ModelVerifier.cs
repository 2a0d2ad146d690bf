using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Compression;

/// <summary>Runs a changed model on the samples of the original and tells whether it still computes the same.</summary>
/// <remarks>With the engine's own rewrites off and one thread, so that what differs is the change. The engine's prepacked weights are off too: they are for constant weights only, so a weight that has become constant would be computed by another kernel.</remarks>
public sealed class ModelVerifier
{
    /// <summary>Every node as written.</summary>
    public static SessionSettings AsWritten { get; } = new()
    {
        Optimization = EngineOptimization.None,
        Entries = new Dictionary<string, string> { ["session.disable_prepacking"] = "1" },
    };

    private readonly IModelRunner runner;
    private readonly IReadOnlyList<IReadOnlyDictionary<string, RuntimeValue>> samples;

    private ModelVerifier(IModelRunner runner, IReadOnlyList<IReadOnlyDictionary<string, RuntimeValue>> samples, IReadOnlyList<IReadOnlyDictionary<string, RuntimeValue>> outputs) =>
        (this.runner, this.samples, Outputs) = (runner, samples, outputs);

    /// <summary>Outputs of the original, sample by sample.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, RuntimeValue>> Outputs { get; }

    /// <summary>Number of samples that the original runs on.</summary>
    public int SampleCount => samples.Count;

    /// <summary>Runs the original on the given samples, or on made-up ones of several sizes where none are given.</summary>
    /// <param name="original">The model before any change.</param>
    /// <param name="given">Samples, or null.</param>
    /// <param name="dimensions">Sizes of named dimensions for made-up samples.</param>
    /// <param name="runner">Runs it.</param>
    /// <param name="reason">Why there is no verifier.</param>
    /// <returns>Null when the original runs on none of them: nothing can be verified then.</returns>
    public static ModelVerifier? Create(Model original, IReadOnlyList<IReadOnlyDictionary<string, RuntimeValue>>? given, IReadOnlyDictionary<string, long>? dimensions, IModelRunner runner, out string? reason)
    {
        reason = SampleInputs.Obstacle(original) ?? "it runs on no input that was made up";
        if (given is { Count: > 0 })
        {
            try
            {
                ModelVerifier verifier = new(runner, given, runner.Run(Logits.Expose(original), given, AsWritten));
                reason = null;
                return verifier;
            }
            catch (RuntimeException e)
            {
                reason = e.Message;
                return null;
            }
        }
        SampleSearch search = new(original, dimensions, runner);
        (List<IReadOnlyDictionary<string, RuntimeValue>> samples, List<IReadOnlyDictionary<string, RuntimeValue>> outputs) = search.Run(ref reason);
        return samples.Count == 0 ? null : new(runner, samples, outputs);
    }

    /// <summary>Outputs of a changed model on the same samples.</summary>
    /// <exception cref="RuntimeException">It does not load or run.</exception>
    public IReadOnlyList<IReadOnlyDictionary<string, RuntimeValue>> Run(Model changed, SessionSettings? settings = null) => runner.Run(Logits.Expose(changed), samples, settings ?? AsWritten);

    /// <summary>How far two results of <see cref="Run"/> differ. Where an output is a Sigmoid or Softmax of logits, the logits are what is measured: a saturated output would hide a difference, or make much of one.</summary>
    public static OutputDifference Compare(IReadOnlyList<IReadOnlyDictionary<string, RuntimeValue>> expected, IReadOnlyList<IReadOnlyDictionary<string, RuntimeValue>> actual)
    {
        OutputDifference all = OutputDifference.None, measured = all;
        for (int i = 0; i < expected.Count; i++)
        {
            foreach ((string name, RuntimeValue value) in expected[i])
            {
                bool isLogits = Logits.IsName(name);
                if (isLogits && !actual[i].ContainsKey(name))
                    continue; // its output no longer ends in that operator, and is measured itself
                OutputDifference one = actual[i].TryGetValue(name, out RuntimeValue? other) ? OutputDifference.Of(value, other) : OutputDifference.Incomparable;
                all = OutputDifference.Worse(all, one);
                bool superseded = !isLogits && expected[i].ContainsKey(Logits.NameFor(name)) && actual[i].ContainsKey(Logits.NameFor(name)) && double.IsFinite(one.Relative);
                measured = superseded ? measured : OutputDifference.Worse(measured, one);
            }
        }
        return measured with { BitEqual = all.BitEqual };
    }
}
