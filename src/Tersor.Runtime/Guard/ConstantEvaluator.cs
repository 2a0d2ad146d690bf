using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>Computes what a model without inputs gives out: for constant folding.</summary>
public static class ConstantEvaluator
{
    /// <summary>Runs the model once, every node as written.</summary>
    /// <param name="model">A model without inputs. Not modified.</param>
    /// <param name="trusted">True to run it in this process, which a broken model can bring down; false for a child process.</param>
    /// <param name="guard">The child to use, so that several evaluations share its start-up; null for one that lasts for this call.</param>
    /// <param name="limits">What the child may use.</param>
    /// <param name="cancellation">Ends the child.</param>
    /// <returns>The outputs by name.</returns>
    /// <exception cref="RuntimeException">The engine refuses the model, crashes or exceeds a limit.</exception>
    public static IReadOnlyDictionary<string, RuntimeValue> Evaluate(Model model, bool trusted = false, ModelGuard? guard = null, GuardLimits? limits = null, CancellationToken cancellation = default)
    {
        if (model.Graph.Inputs.FirstOrDefault(i => !i.IsInitializer) is { } input)
            throw new ArgumentException($"Has an input, '{input.Name}'; a constant expression has none.", nameof(model));
        SessionSettings settings = new() { Optimization = EngineOptimization.None };
        Dictionary<string, RuntimeValue> nothing = [];
        if (trusted)
        {
            using ModelSession session = new(model, settings);
            return session.RunValues(nothing);
        }
        DirectoryInfo folder = Directory.CreateTempSubdirectory("tersor-");
        using ModelGuard? own = guard is null ? new() : null;
        try
        {
            GuardResult result = (guard ?? own!).Run(TemporaryModel.Save(model, folder), [nothing], null, settings, limits, keepOutputs: true, cancellation);
            return result.Succeeded ? result.Outputs[0] : throw new RuntimeException(result.Reason);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
