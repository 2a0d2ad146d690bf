using System.Runtime.InteropServices;
using Tersor.Onnx;

namespace Tersor.Compression.Quantization.Emission;

/// <summary>Initializers by content: quantization parameters that must be equal are one value, never equal copies.</summary>
internal sealed class SharedConstants(Graph graph)
{
    private readonly Dictionary<(ElementType, string, ulong), Value> known = [];

    public Value Scale(float scale) => Get(Tensor.Scalar(scale), "scale");

    public Value ZeroPoint(byte zeroPoint) => Get(Tensor.Scalar(zeroPoint), "zero_point");

    public Value Get(Tensor tensor, string nameHint)
    {
        (ElementType, string, ulong) key = (tensor.Type, string.Join(',', tensor.Shape), tensor.ContentHash());
        ref Value? value = ref CollectionsMarshal.GetValueRefOrAddDefault(known, key, out _);
        return value ??= graph.AddInitializer(nameHint, tensor);
    }
}
