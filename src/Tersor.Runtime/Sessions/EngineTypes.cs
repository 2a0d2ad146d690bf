using System.Collections.Immutable;
using Microsoft.ML.OnnxRuntime;
using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>ONNX Runtime's metadata of inputs and outputs as <see cref="OnnxType"/>.</summary>
internal static class EngineTypes
{
    public static OnnxType Of(NodeMetadata metadata)
    {
        switch (metadata.OnnxValueType)
        {
            case OnnxValueType.ONNX_TYPE_SEQUENCE:
                return new OnnxType.Sequence(Of(metadata.AsSequenceMetadata().ElementMeta));
            case OnnxValueType.ONNX_TYPE_OPTIONAL:
                return new OnnxType.Optional(Of(metadata.AsOptionalMetadata().ElementMeta));
            case OnnxValueType.ONNX_TYPE_MAP:
                MapMetadata map = metadata.AsMapMetadata();
                return new OnnxType.Map((ElementType)map.KeyDataType, Of(map.ValueMetadata));
            case OnnxValueType.ONNX_TYPE_SPARSETENSOR:
                return new OnnxType.Sparse((ElementType)metadata.ElementDataType, Shape(metadata));
            default:
                return new OnnxType.Tensor((ElementType)metadata.ElementDataType, Shape(metadata));
        }
    }

    private static ImmutableArray<Dimension> Shape(NodeMetadata metadata) =>
        [.. metadata.Dimensions.Select((size, i) => size >= 0 ? size : metadata.SymbolicDimensions[i] is { Length: > 0 } symbol ? symbol : new Dimension(null))];
}
