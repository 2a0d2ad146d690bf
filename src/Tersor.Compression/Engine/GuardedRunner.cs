using Tersor.Onnx;
using Tersor.Onnx.Files;
using Tersor.Runtime;

namespace Tersor.Compression;

/// <summary>Runs models in a child process with limits on time and memory: for models that are not trusted. Slower, since models and values go through files.</summary>
/// <param name="guard">The child; who made it ends it.</param>
/// <param name="limits">What a run may use; null for the guard's own.</param>
public sealed class GuardedRunner(ModelGuard guard, GuardLimits? limits = null) : IModelRunner
{
    /// <inheritdoc/>
    public IReadOnlyList<IReadOnlyDictionary<string, RuntimeValue>> Run(Model model, IReadOnlyList<IReadOnlyDictionary<string, RuntimeValue>> samples, SessionSettings settings)
    {
        using ScratchFolder folder = new();
        GuardResult result = guard.Run(TemporaryModel.Save(model, folder), samples, settings: settings, limits: limits);
        return result.Succeeded ? result.Outputs : throw new RuntimeException(result.Reason);
    }

    /// <summary>Nothing: the child tells no types, and the static inference has to do.</summary>
    public IReadOnlyDictionary<string, OnnxType> OutputTypes(Model model) => new Dictionary<string, OnnxType>();
}
