using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Compression;

/// <summary>Runs models for passes that compute constants and for the verification of their results.</summary>
public interface IModelRunner
{
    /// <summary>Loads the model once and runs it on every sample.</summary>
    /// <param name="model">The model; its weights are inside.</param>
    /// <param name="samples">Values by input name, one dictionary a run. A single empty one for a model without inputs.</param>
    /// <param name="settings">How the engine loads it.</param>
    /// <returns>For every sample, the outputs by name.</returns>
    /// <exception cref="RuntimeException">The engine refuses the model or a sample.</exception>
    IReadOnlyList<IReadOnlyDictionary<string, RuntimeValue>> Run(Model model, IReadOnlyList<IReadOnlyDictionary<string, RuntimeValue>> samples, SessionSettings settings);

    /// <summary>What the engine's own inference says about the outputs, by name; outputs it knows nothing about are left out.</summary>
    /// <exception cref="RuntimeException">The engine refuses the model.</exception>
    IReadOnlyDictionary<string, OnnxType> OutputTypes(Model model);
}
