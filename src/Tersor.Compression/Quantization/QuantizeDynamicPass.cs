using Tersor.Compression.Quantization.Emission;
using Tersor.Compression.Quantization.Storage;
using Tersor.Onnx;

namespace Tersor.Compression.Quantization;

/// <summary>Dynamic 8-bit quantization of MatMul, Gemm and LSTM: weights become integers now, activations at run time, under the range each one turns out to have.</summary>
/// <remarks>Needs no data. MatMul(x, W) becomes DynamicQuantizeLinear(x) → MatMulInteger → Cast → Mul by the two scales, which the engine fuses into one kernel.
/// An LSTM becomes the engine's DynamicQuantizeLSTM.
/// Source: ONNX DynamicQuantizeLinear-11, MatMulInteger-10; github.com/microsoft/onnxruntime, docs/ContribOperators.md.</remarks>
public sealed class QuantizeDynamicPass(QuantizeDynamicOptions options) : Pass
{
    /// <summary>Oldest version of ONNX's operator set with the operators it writes.</summary>
    public const long RequiredOpset = 11;

    /// <inheritdoc/>
    public override string Name => "quantize-dynamic";

    /// <inheritdoc/>
    public override PassEffect Effect => PassEffect.Lossy;

    /// <inheritdoc/>
    public override IEnumerable<string> Problems(Model model, PassContext context)
    {
        if (model.Opset < RequiredOpset)
            yield return $"The model is written in opset {model.Opset}; {RequiredOpset} or more is needed. Raise it first.";
    }

    /// <inheritdoc/>
    protected override PassReport Apply(Model model, PassContext context)
    {
        PassReport report = new();
        foreach (Graph graph in model.Graph.WithNested().ToArray())
        {
            Dictionary<Value, Value[]> activations = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);
            SharedConstants constants = new(graph);
            foreach (Node node in graph.Nodes.Where(n => n.Is("MatMul", "Gemm", "LSTM")))
            {
                context.Cancellation.ThrowIfCancellationRequested();
                if (node.Is("LSTM"))
                {
                    if ((options.StandardOperatorsOnly ? "only an operator of ONNX Runtime's own does it in 8 bits" : RecurrentWeights.Reason(node, options.MinElements) ?? options.KeepFloat(node)) is { } why)
                    {
                        report.Skip(node.ToString(), why);
                        continue;
                    }
                    report.Changed(node.ToString(), "weights in 8 bits, activations quantized at run time");
                    RecurrentWeights.Replace(node, constants, options.WeightLimit);
                    continue;
                }
                if (Reason(node, context) is { } reason)
                {
                    report.Skip(node.ToString(), reason);
                    continue;
                }
                report.Changed(node.ToString(), "weights in 8 bits, activations quantized at run time");
                Replace(node, activations, constants);
            }
        }
        model.RemoveUnusedInitializers();
        SharedStorage.Merge(model);
        return report;
    }

    private string? Reason(Node node, PassContext context)
    {
        if (node.Input(0) is not { } input || node.Output(0) is null)
            return "it lacks its first input or its output";
        if (node.Input(1)?.Constant is not { } weight)
            return "its second input is not constant";
        if (weight.Type != ElementType.Float32 || weight.Rank != 2)
            return $"its weight is {weight}; expected a Float32 matrix";
        if (!WeightQuantizer.IsFinite(weight))
            return "its weight is not finite";
        if (WeightConstraints.Reason(node.Inputs[1]!) is { } constrained)
            return constrained;
        if (node.Is("Gemm") && node.Int("transA", 0) != 0)
            return "transA is set";
        if (input.Constant is not null)
            return "its first input is constant";
        if (context.TypeOf(input) is OnnxType.Tensor { ElementType: not ElementType.Float32 } type)
            return $"its input is {type.ElementType}";
        return weight.Length < options.MinElements ? $"its weight has {Plural.Of(weight.Length, "element")}, fewer than {options.MinElements}" : options.KeepFloat(node);
    }

    private void Replace(Node node, Dictionary<Value, Value[]> activations, SharedConstants constants)
    {
        Graph graph = node.Graph;
        Value input = node.Inputs[0]!, output = node.Outputs[0]!;
        string name = output.Name, weightName = node.Inputs[1]!.Name;
        if (!activations.TryGetValue(input, out Value[]? dynamic))
        {
            dynamic = [.. graph.InsertBefore(node, "DynamicQuantizeLinear", [input], [$"{input.Name}_quantized", $"{input.Name}_scale", $"{input.Name}_zero_point"]).Outputs!];
            activations[input] = dynamic;
        }

        Tensor weight = node.Inputs[1]!.Constant!;
        bool transposed = node.Is("Gemm") && node.Int("transB", 0) != 0;
        int axis = transposed ? 0 : 1;
        float[] scales = options.ScalesOf(node) switch
        {
            [var single] => [.. Enumerable.Repeat(single, (int)weight.Shape[axis])],
            { } chosen => chosen,
            null => WeightQuantizer.Scales(weight, axis, options.WeightLimit),
        };
        Tensor integers = WeightQuantizer.Quantize(weight, axis, scales, options.WeightLimit);
        if (transposed)
            integers = StoredWeight.Transpose(integers);
        float alpha = node.Is("Gemm") ? node.Float("alpha", 1) : 1;
        Value weights = constants.Get(integers, $"{weightName}_quantized");
        WeightConstraints.Pass(node.Inputs[1]!, weights);
        Value weightScale = constants.Get(Tensor.Vector(Array.ConvertAll(scales, s => s * alpha)), $"{weightName}_scale");
        Value weightZero = constants.Get(Tensor.Vector(new sbyte[scales.Length]), $"{weightName}_zero_point");

        Value sums = graph.InsertBefore(node, "MatMulInteger", [dynamic[0], weights, dynamic[2], weightZero], [$"{name}_integers"], name: node.Name).Outputs[0]!;
        Value floats = Insert("Cast", [sums], "cast", new KeyValuePair<string, NodeAttribute>("to", (long)ElementType.Float32));
        Value scale = Insert("Mul", [dynamic[1], weightScale], "scale");
        Value result = Insert("Mul", [floats, scale], "scaled");
        if (node.Is("Gemm") && node.Input(2) is { } bias)
        {
            float beta = node.Float("beta", 1);
            if (beta != 1)
                bias = Insert("Mul", [bias, constants.Get(Tensor.Scalar(beta), "beta")], "bias");
            result = Insert("Add", [result, bias], "biased");
        }
        output.ReplaceAllUsesWith(result);
        node.Remove();

        Value Insert(string opType, ReadOnlySpan<Value?> inputs, string suffix, params ReadOnlySpan<KeyValuePair<string, NodeAttribute>> attributes) =>
            graph.InsertBefore(node, opType, inputs, [$"{name}_{suffix}"], attributes.ToArray()).Outputs[0]!;
    }
}
