using Tersor.Onnx;

namespace Tersor.Compression.Quantization.Emission;

/// <summary>Initializers by content: quantization parameters that must be equal are one value, never equal copies.</summary>
internal sealed class SharedConstants(Graph graph)
{
    private readonly Dictionary<ulong, List<Value>> known = [];

    public Value Scale(QuantizationParameters parameters) => Get(Tensor.Scalar(parameters.Scale), "scale");

    public Value ZeroPoint(QuantizationParameters parameters) => Get(parameters.ZeroPointTensor(), "zero_point");

    public Value Get(Tensor tensor, string nameHint)
    {
        ulong hash = tensor.ContentHash();
        if (!known.TryGetValue(hash, out List<Value>? candidates))
            known[hash] = candidates = [];
        // Different weights may have one hash; ContentEquals compares type, shape and bytes.
        if (candidates.Find(v => v.Tensor!.ContentEquals(tensor)) is { } same)
            return same;
        Value added = graph.AddInitializer(nameHint, tensor);
        candidates.Add(added);
        return added;
    }
}
