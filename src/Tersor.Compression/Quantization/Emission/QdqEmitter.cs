using System.Numerics.Tensors;
using Tersor.Compression.Quantization.Placement;
using Tersor.Onnx;
using Attribute = Tersor.Onnx.Attribute;
using Tensor = Tersor.Onnx.Tensor;

namespace Tersor.Compression.Quantization.Emission;

/// <summary>Writes a placement into the model as QuantizeLinear and DequantizeLinear nodes around the operators, in the form the engine fuses.</summary>
/// <remarks>Activations are unsigned 8-bit with one scale a tensor, weights signed 8-bit with one scale an output channel, biases 32-bit under scale input · weight.</remarks>
internal sealed class QdqEmitter(QuantizationPlacement placement, RangePlan ranges, PassReport report)
{
    /// <summary>An activation in 8 bits: where the integers are, and what they stand for.</summary>
    private sealed record Quantized(Value Integers, QuantizationParameters Parameters);

    /// <summary>By the value the placement knows; its place in the graph may have been taken by another.</summary>
    private readonly Dictionary<Value, Quantized> quantized = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);
    private readonly List<Value> restored = [];
    private readonly Dictionary<Graph, SharedConstants> constants = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Graph>);

    public void Emit()
    {
        foreach (QuantizationUnit unit in placement.Units)
        {
            foreach (Value input in unit.Inputs.Where(i => !quantized.ContainsKey(i)))
                Quantize(input, input, everyReader: false);
            if (unit.Rescale is { } factor)
                Rescale(unit, factor);
            else if (unit.Rule.Kind == RuleKind.HardSigmoid)
                EmitHardSigmoid(unit);
            else
                EmitFused(unit);
        }
        // What only a change of scale read is read in integers now.
        foreach (Value value in restored.Where(v => v.IsUnused))
            value.Producer!.Remove();
    }

    private void EmitFused(QuantizationUnit unit)
    {
        Node node = unit.Anchor;
        string subject = node.ToString();
        if (unit.Rule.Kind == RuleKind.Weighted)
            QuantizeWeights(unit);
        else if (unit.Rule.Kind == RuleKind.Fused)
            QuantizeConstantInputs(node);
        bool quantizeOutput = placement.NeedsQuantizedOutput(unit);
        Value[] logical = [.. unit.Outputs];
        if (unit.Activation is { } activation)
            Absorb(node, activation);
        if (quantizeOutput)
        {
            for (int i = 0; i < logical.Length; i++)
                Quantize(logical[i], unit.Activation is null ? logical[i] : node.Outputs[0]!, everyReader: true);
        }
        report.Changed(subject, unit.Activation is null ? "runs in 8 bits" : $"runs in 8 bits, {unit.Activation.OpType} in its saturation");
    }

    /// <summary>Drops a Relu or Clip: the 8-bit result saturates at the same ends. Its readers read the result itself.</summary>
    private static void Absorb(Node node, Node activation)
    {
        Value result = node.Outputs[0]!, clipped = activation.Outputs[0]!;
        activation.TruncateInputs(0);
        clipped.ReplaceAllUsesWith(result);
        activation.Remove();
    }

    /// <summary>Lets 8-bit copies read a value under the scale of their class, where it has another.</summary>
    private void Requantize(Value logical, Value dequantized)
    {
        Use[] copies = [.. dequantized.Uses.Where(u => placement.UnitOf(u.Node)?.Rule.Kind == RuleKind.PassThrough)];
        if (copies.Length == 0 || quantized[logical].Parameters == ranges[logical])
            return;
        Node? position = dequantized.Producer!.Next;
        Value copied = InsertDequantize(InsertQuantize(dequantized, ranges[logical], position), ranges[logical], position, dequantized.Name);
        foreach (Use copy in copies)
            copy.Node.SetInput(copy.Index, copied);
    }

    /// <summary>x · c: the integers of x under scale · c. No node computes it.</summary>
    private void Rescale(QuantizationUnit unit, double factor)
    {
        Node node = unit.Anchor;
        Quantized input = quantized[unit.Inputs[0]];
        QuantizationParameters scaled = input.Parameters with { Scale = (float)(input.Parameters.Scale * factor) };
        Replace(node, input.Integers, scaled);
        report.Changed(node.ToString(), "is a change of scale");
    }

    /// <summary>clip(alpha x + beta, 0, 1) = alpha · clip(x + beta / alpha, 0, 1 / alpha): an 8-bit Add that saturates at both ends, read under another scale.</summary>
    private void EmitHardSigmoid(QuantizationUnit unit)
    {
        Node node = unit.Anchor;
        float alpha = node.Float("alpha", 0.2f), beta = node.Float("beta", 0.5f);
        Value shift = ConstantActivation(node, Tensor.Scalar(beta / alpha), $"{node.Outputs[0]!.Name}/shift");
        Value sum = node.Graph.InsertBefore(node, "Add", [node.Inputs[0], shift], [$"{node.Outputs[0]!.Name}/shifted"]).Outputs[0]!;
        Value integers = InsertQuantize(sum, new(1 / (255 * alpha), 0), node);
        Replace(node, integers, new(1f / 255, 0));
        report.Changed(node.ToString(), "is an 8-bit Add whose saturation is the clip");
    }

    /// <summary>Lets everything read the given integers instead of the node's result, and removes the node.</summary>
    private void Replace(Node node, Value integers, QuantizationParameters parameters)
    {
        Value result = node.Outputs[0]!;
        Value dequantized = InsertDequantize(integers, parameters, node, result.Name);
        result.ReplaceAllUsesWith(dequantized);
        node.Remove();
        quantized[result] = new(integers, parameters);
        Requantize(result, dequantized);
    }

    /// <summary>Inserts the pair behind a value.</summary>
    /// <param name="logical">The value as the placement knows it.</param>
    /// <param name="actual">What stands for it in the graph now.</param>
    /// <param name="everyReader">Whether float readers are to read the dequantized value too, as they must behind an 8-bit producer.</param>
    private void Quantize(Value logical, Value actual, bool everyReader)
    {
        QuantizationParameters parameters = ranges[logical];
        Graph graph = actual.Graph;
        Node? position = actual.Producer is { } producer ? producer.Next : graph.Nodes.FirstOrDefault();
        Use[] readers = [.. actual.Uses.Where(u => everyReader || placement.Quantizes(u.Node))];
        Value integers = InsertQuantize(actual, parameters, position);
        Value dequantized = InsertDequantize(integers, parameters, position, actual.Name);
        foreach (Use reader in readers)
            reader.Node.SetInput(reader.Index, dequantized);
        for (int i = 0; everyReader && i < graph.Outputs.Count; i++)
        {
            if (ReferenceEquals(graph.Outputs[i], actual))
                graph.SetOutput(i, dequantized);
        }
        quantized[logical] = new(integers, parameters);
    }

    private void QuantizeWeights(QuantizationUnit unit)
    {
        Node node = unit.Anchor;
        Tensor weight = node.Inputs[1]!.Constant!;
        int axis = WeightAxis(node);
        float inputScale = quantized[unit.Inputs[0]].Parameters.Scale;
        float[] scales = WeightQuantizer.Scales(weight, axis);
        float[]? bias = node.OpType == "MatMul" ? null : node.Input(2)?.Constant?.ToFloats();
        if (bias is not null)
            WeightQuantizer.FitBias(bias, inputScale, scales);
        string name = node.Inputs[1]!.Name;
        SharedConstants shared = Constants(node.Graph);
        Value integerWeight = shared.Get(WeightQuantizer.Quantize(weight, axis, scales), $"{name}_quantized");
        WeightConstraints.Pass(node.Inputs[1]!, integerWeight);
        node.SetInput(1, Dequantize(node, integerWeight,
            shared.Get(Tensor.Vector(scales), $"{name}_scale"), shared.Get(Tensor.Vector(new sbyte[scales.Length]), $"{name}_zero_point"), axis, name));
        if (bias is null)
            return;
        int[] integers = WeightQuantizer.QuantizeBias(bias, inputScale, scales)
            ?? throw new CompressionException($"The bias of {node} does not fit 32 bits.") { Pass = QuantizeStaticPass.PassName };
        string biasName = node.Inputs[2]!.Name;
        float[] biasScales = Array.ConvertAll(scales, s => s * inputScale);
        node.SetInput(2, Dequantize(node, shared.Get(Tensor.Vector(integers), $"{biasName}_quantized"),
            shared.Get(Tensor.Vector(biasScales), $"{biasName}_scale"), shared.Get(Tensor.Vector(new int[scales.Length]), $"{biasName}_zero_point"), 0, biasName));
    }

    /// <summary>The output channels' axis of a weight as it is stored.</summary>
    internal static int WeightAxis(Node node) => node.OpType switch
    {
        "Conv" => 0,
        "Gemm" => node.Int("transB", 0) != 0 ? 0 : 1,
        _ => 1,
    };

    private void QuantizeConstantInputs(Node node)
    {
        for (int i = 0; i < node.Inputs.Count; i++)
        {
            if (node.Inputs[i] is { Constant: { Type: ElementType.Float32 } constant } value)
                node.SetInput(i, ConstantActivation(node, constant, value.Name));
        }
    }

    private Value ConstantActivation(Node before, Tensor constant, string name)
    {
        ReadOnlySpan<float> values = constant.Span<float>();
        QuantizationParameters parameters = QuantizationParameters.FromRange(TensorPrimitives.Min(values), TensorPrimitives.Max(values));
        byte[] integers = new byte[values.Length];
        for (int i = 0; i < integers.Length; i++)
            integers[i] = parameters.Quantize(values[i]);
        return InsertDequantize(Constants(before.Graph).Get(Tensor.Create(constant.Shape.AsSpan(), integers), $"{name}_quantized"), parameters, before, name);
    }

    private Value InsertQuantize(Value value, QuantizationParameters parameters, Node? position)
    {
        SharedConstants shared = Constants(value.Graph);
        Value integers = value.Graph.InsertBefore(position, "QuantizeLinear", [value, shared.Scale(parameters.Scale), shared.ZeroPoint(parameters.ZeroPoint)], [$"{value.Name}_quantized"]).Outputs[0]!;
        return integers;
    }

    private Value InsertDequantize(Value integers, QuantizationParameters parameters, Node? position, string name)
    {
        Graph graph = integers.Graph;
        SharedConstants shared = Constants(graph);
        Value value = graph.InsertBefore(position, "DequantizeLinear", [integers, shared.Scale(parameters.Scale), shared.ZeroPoint(parameters.ZeroPoint)], [$"{name}_dequantized"]).Outputs[0]!;
        restored.Add(value);
        return value;
    }

    private static Value Dequantize(Node before, Value integers, Value scale, Value zeroPoint, int axis, string name) =>
        before.Graph.InsertBefore(before, "DequantizeLinear", [integers, scale, zeroPoint], [$"{name}_dequantized"], [new("axis", (Attribute)(long)axis)]).Outputs[0]!;

    private SharedConstants Constants(Graph graph) => constants.TryGetValue(graph, out SharedConstants? known) ? known : constants[graph] = new(graph);
}
