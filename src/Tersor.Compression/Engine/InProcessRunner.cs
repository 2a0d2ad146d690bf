using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Compression;

/// <summary>Runs models in this very process: quick, but a model that crashes the engine takes the process along. For models that are trusted.</summary>
public sealed class InProcessRunner : IModelRunner
{
    /// <summary>The only one needed: it has no state.</summary>
    public static InProcessRunner Instance { get; } = new();

    /// <inheritdoc/>
    public IReadOnlyList<IReadOnlyDictionary<string, RuntimeValue>> Run(Model model, IReadOnlyList<IReadOnlyDictionary<string, RuntimeValue>> samples, SessionSettings settings)
    {
        using ModelSession session = new(model, settings);
        return [.. samples.Select(s => session.RunValues(s))];
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, OnnxType> OutputTypes(Model model)
    {
        using ModelSession session = new(model, new() { Optimization = EngineOptimization.None });
        // The engine reports a scalar and a tensor of unknown rank alike, as no dimensions.
        return session.Outputs.ToDictionary(o => o.Name, o => o.Type is OnnxType.Tensor { Shape.Length: 0 } tensor ? tensor with { Shape = null } : o.Type);
    }
}
