using Tersor.Compression.Quantization.Emission;
using Tersor.Onnx;

namespace Tersor.Compression.Quantization;

/// <summary>An LSTM with 8-bit weights and states quantized at run time: com.microsoft.DynamicQuantizeLSTM.</summary>
/// <remarks>It takes W as [directions, input, 4 · hidden] and R as [directions, hidden, 4 · hidden], the transposes of ONNX's, with one scale a row of those, [directions, 4 · hidden].</remarks>
internal static class RecurrentWeights
{
    private const string EngineDomain = "com.microsoft";

    /// <summary>Why an LSTM cannot be replaced, or null.</summary>
    public static string? Reason(Node node, long minElements)
    {
        for (int i = 1; i <= 2; i++)
        {
            if (node.Input(i)?.Constant is not { } weight)
                return "its weights are not constant";
            if (weight.Type != ElementType.Float32 || weight.Rank != 3)
                return $"its weight is {weight}; expected Float32 of 3 dimensions";
            if (!WeightQuantizer.IsFinite(weight))
                return "its weight is not finite";
            if (WeightConstraints.Reason(node.Input(i)!) is { } constrained)
                return constrained;
        }
        long elements = node.Inputs[1]!.Constant!.Length + node.Inputs[2]!.Constant!.Length;
        return elements < minElements ? $"its weights have {Plural.Of(elements, "element")}, fewer than {minElements}"
            : node.Int("layout", 0) != 0 ? "its layout is batch first"
            : node.Float("clip", 0) != 0 && node.Attributes.ContainsKey("clip") ? "it clips its cells"
            : null;
    }

    /// <summary>Puts the 8-bit operator in the place of an LSTM.</summary>
    public static void Replace(Node node, SharedConstants constants, int limit)
    {
        Graph graph = node.Graph;
        List<Value?> inputs = [.. Enumerable.Range(0, 8).Select(node.Input)];
        List<Value> numbers = [];
        for (int i = 1; i <= 2; i++)
        {
            Tensor weight = node.Inputs[i]!.Constant!;
            long directions = weight.Shape[0], rows = weight.Shape[1], depth = weight.Shape[2];
            Tensor flat = weight.Reshape(directions * rows, depth);
            float[] scales = WeightQuantizer.Scales(flat, 0, limit);
            sbyte[] integers = WeightQuantizer.Quantize(flat, 0, scales, limit).Span<sbyte>().ToArray(), transposed = new sbyte[integers.Length];
            for (long d = 0; d < directions; d++)
            {
                for (long r = 0; r < rows; r++)
                {
                    for (long k = 0; k < depth; k++)
                        transposed[(d * depth + k) * rows + r] = integers[(d * rows + r) * depth + k];
                }
            }
            string name = node.Inputs[i]!.Name;
            inputs[i] = constants.Get(Tensor.Create([directions, depth, rows], transposed), $"{name}_quantized");
            WeightConstraints.Pass(node.Inputs[i]!, inputs[i]!);
            numbers.Add(constants.Get(Tensor.Create([directions, rows], scales), $"{name}_scale"));
            numbers.Add(constants.Get(Tensor.Create([directions, rows], new sbyte[scales.Length]), $"{name}_zero_point"));
        }
        graph.Model.OpsetImports.TryAdd(EngineDomain, 1);
        Node replacement = graph.InsertBefore(node, "DynamicQuantizeLSTM", [.. inputs, .. numbers], [.. node.Outputs.Select(o => o?.Name ?? "")],
            node.Attributes.Where(a => a.Key != "layout"), EngineDomain, node.Name);
        for (int i = 0; i < node.Outputs.Count; i++)
        {
            if (node.Outputs[i] is not { } output)
                continue;
            replacement.Outputs[i]!.Type = output.Type;
            output.ReplaceAllUsesWith(replacement.Outputs[i]!);
        }
        node.Remove();
    }
}
