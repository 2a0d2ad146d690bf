using Microsoft.ML.OnnxRuntime;
using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Compression;

/// <summary>Runs models in this very process: quick, but a model that crashes the engine takes the process along. For models that are trusted.</summary>
public sealed class InProcessRunner : IModelRunner
{
    /// <summary>The only one needed: it has no state.</summary>
    public static InProcessRunner Instance { get; } = new();

    /// <inheritdoc/>
    public IReadOnlyList<IReadOnlyDictionary<string, Tensor>> Run(Model model, IReadOnlyList<IReadOnlyDictionary<string, Tensor>> samples, SessionSettings settings)
    {
        using ModelSession session = new(model, settings);
        return [.. samples.Select(session.Run)];
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, OnnxType> OutputTypes(Model model)
    {
        using SessionOptions options = new()
        {
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_DISABLE_ALL,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL,
            IntraOpNumThreads = 1,
        };
        try
        {
            using InferenceSession session = new(model.ToBytes(), options);
            Dictionary<string, OnnxType> types = [];
            foreach ((string name, NodeMetadata metadata) in session.OutputMetadata)
            {
                if (metadata.OnnxValueType == OnnxValueType.ONNX_TYPE_TENSOR)
                    types[name] = Translate(metadata);
            }
            return types;
        }
        catch (OnnxRuntimeException e)
        {
            throw new RuntimeException($"ONNX Runtime cannot load the model: {e.Message}", e);
        }
    }

    private static OnnxType.Tensor Translate(NodeMetadata metadata)
    {
        ElementType type = (ElementType)metadata.ElementDataType;
        // The engine reports a scalar and an unknown rank alike, as no dimensions.
        return metadata.Dimensions.Length == 0 ? new(type, null) : new(type, [.. metadata.Dimensions.Select((size, i) =>
            size >= 0 ? new Dimension(size) : new Dimension(null, metadata.SymbolicDimensions[i] is { Length: > 0 } symbol ? symbol : null))]);
    }
}
