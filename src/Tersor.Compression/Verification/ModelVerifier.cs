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
    private readonly IReadOnlyList<IReadOnlyDictionary<string, Tensor>> samples;

    private ModelVerifier(IModelRunner runner, IReadOnlyList<IReadOnlyDictionary<string, Tensor>> samples, IReadOnlyList<IReadOnlyDictionary<string, Tensor>> outputs) =>
        (this.runner, this.samples, Outputs) = (runner, samples, outputs);

    /// <summary>Outputs of the original, sample by sample.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, Tensor>> Outputs { get; }

    /// <summary>Number of samples that the original runs on.</summary>
    public int SampleCount => samples.Count;

    /// <summary>Runs the original on the given samples, or on made-up ones of several sizes where none are given.</summary>
    /// <param name="original">The model before any change.</param>
    /// <param name="given">Samples, or null.</param>
    /// <param name="dimensions">Sizes of named dimensions for made-up samples.</param>
    /// <param name="runner">Runs it.</param>
    /// <param name="reason">Why there is no verifier.</param>
    /// <returns>Null when the original runs on none of them: nothing can be verified then.</returns>
    public static ModelVerifier? Create(Model original, IReadOnlyList<IReadOnlyDictionary<string, Tensor>>? given, IReadOnlyDictionary<string, long>? dimensions, IModelRunner runner, out string? reason)
    {
        reason = "its inputs are not tensors of numbers";
        if (given is { Count: > 0 })
        {
            try
            {
                ModelVerifier verifier = new(runner, given, runner.Run(original, given, AsWritten));
                reason = null;
                return verifier;
            }
            catch (RuntimeException e)
            {
                reason = e.Message;
                return null;
            }
        }
        List<IReadOnlyDictionary<string, Tensor>> samples = [], outputs = [];
        bool open = original.Graph.Inputs.Any(v => !v.IsInitializer && v.Type?.AsTensor is { FixedShape: null });
        // Two sizes of the open dimensions: a change that is right for one size only must not pass.
        long[] sizes = open ? [1, 2, 3, 8, 32, 64, 96, 224, 256, 512] : [1];
        foreach (long size in sizes)
        {
            if (samples.Count == 2)
                break;
            for (int attempt = 0; attempt < (size <= 8 ? 2 : 1); attempt++)
            {
                if (SampleInputs.Make(original, seed: 1 + attempt, size, dimensions, maxInteger: attempt == 0 ? 1 : 7) is not { } sample)
                    break;
                try
                {
                    IReadOnlyDictionary<string, Tensor> output = runner.Run(original, [sample], AsWritten)[0];
                    samples.Add(sample);
                    outputs.Add(output);
                    break;
                }
                catch (RuntimeException e)
                {
                    reason = e.Message;
                    if (e.Message.Contains("cannot load", StringComparison.Ordinal))
                        return null;
                }
            }
        }
        if (samples.Count == 0)
            return null;
        reason = null;
        return new(runner, samples, outputs);
    }

    /// <summary>Outputs of a changed model on the same samples.</summary>
    /// <exception cref="RuntimeException">It does not load or run.</exception>
    public IReadOnlyList<IReadOnlyDictionary<string, Tensor>> Run(Model changed, SessionSettings? settings = null) => runner.Run(changed, samples, settings ?? AsWritten);
}
