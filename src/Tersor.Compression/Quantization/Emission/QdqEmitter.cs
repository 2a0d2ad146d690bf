using System.Numerics.Tensors;
using Tersor.Compression.Quantization.Placement;
using Tersor.Onnx;
using Tensor = Tersor.Onnx.Tensor;

namespace Tersor.Compression.Quantization.Emission;

/// <summary>Writes a placement into the model as QuantizeLinear and DequantizeLinear nodes around the operators, in the form the engine fuses.</summary>
/// <remarks>Activations have one scale a tensor, weights are signed integers, biases 32-bit under scale input · weight.</remarks>
internal sealed class QdqEmitter(QuantizationPlacement placement, StaticNumbers numbers, PassReport report)
{
    /// <summary>An activation in 8 bits: where the integers are, and what they stand for.</summary>
    private sealed record Quantized(Value Integers, QuantizationParameters Parameters);

    private readonly RangePlan ranges = new(placement, numbers);

    /// <summary>By the value the placement knows; its place in the graph may have been taken by another.</summary>
    private readonly Dictionary<Value, Quantized> quantized = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);

    /// <summary>What a value is, beyond what its integers stand for, by the value: a part of a step that only biases of its readers can hold.</summary>
    private readonly Dictionary<Value, double> remainders = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);
    private readonly List<Value> restored = [];

    /// <summary>Conversions in the order they were inserted, and the nodes that are meant to be fused with them.</summary>
    private readonly List<Node> conversions = [];
    private readonly HashSet<Node> integerNodes = [];
    private readonly Dictionary<Graph, SharedConstants> constants = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Graph>);

    public void Emit()
    {
        foreach (QuantizationUnit unit in placement.Units)
        {
            if (unit.Rule.Kind == RuleKind.RunTime)
                continue; // not of this pass
            foreach (Value input in unit.Inputs.Where(i => !quantized.ContainsKey(i)))
                Quantize(input, input, everyReader: false);
            if (unit.Affine is { } affine)
                EmitAffine(unit, affine);
            else if (unit.Rule.Kind == RuleKind.HardSigmoid)
                EmitHardSigmoid(unit);
            else if (unit.Rule.Kind == RuleKind.Saturation)
                EmitSaturation(unit);
            else
                EmitFused(unit);
        }
        // What only a change of scale read is read in integers now.
        foreach (Value value in restored.Where(v => v.IsUnused))
            value.Producer!.Remove();
        FloatBarrier.Insert(conversions.Where(n => n.IsInGraph), integerNodes.Contains);
    }

    private void EmitFused(QuantizationUnit unit)
    {
        Node node = unit.Anchor;
        integerNodes.Add(node);
        string subject = node.ToString();
        if (unit.Rule.Kind == RuleKind.Weighted)
            QuantizeWeights(unit);
        else if (unit.Rule.Kind == RuleKind.Fused)
            QuantizeConstantInputs(node, null);
        else if (unit.Rule.ActivationInputs > 1)
            QuantizeConstantInputs(node, ranges[unit.Outputs[0]]);
        bool quantizeOutput = placement.NeedsQuantizedOutput(unit);
        Value[] logical = [.. unit.Outputs];
        // What copies integers that were clipped already gives no others.
        bool clipped = unit.Rule.Kind == RuleKind.PassThrough && unit.Inputs.All(i => quantized[i].Parameters == ranges[logical[0]]);
        if (unit.Activation is { } activation)
            Absorb(node, activation);
        if (quantizeOutput)
        {
            for (int i = 0; i < logical.Length; i++)
                Quantize(logical[i], unit.Activation is null ? logical[i] : node.Outputs[0]!, everyReader: true, clipped);
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

    /// <summary>a x + b: the integers of x under scale · a, with the zero point moved by b. No node computes it, unless the zero point would leave the integers.</summary>
    private void EmitAffine(QuantizationUnit unit, ScalarAffine affine)
    {
        Node node = unit.Anchor;
        Quantized input = quantized[affine.Input];
        double scale = input.Parameters.Scale * affine.Scale, steps = affine.Shift / scale;
        int shift = (int)Math.Round(Math.Clamp(steps, int.MinValue / 4, int.MaxValue / 4), MidpointRounding.ToEven);
        QuantizationParameters moved = input.Parameters with { Scale = (float)scale, ZeroPoint = input.Parameters.ZeroPoint - shift };
        (int least, int greatest) = QuantizationParameters.Integers(moved.Type);
        double remainder = (steps - shift) * scale;
        bool exact = Math.Abs(steps - shift) < 1e-3;
        if (moved.ZeroPoint < least || moved.ZeroPoint > greatest || !(exact || (HasBias(node.Outputs[0]!) && !remainders.ContainsKey(affine.Input))))
        {
            EmitShift(unit, affine);
            return;
        }
        // What was left over before is scaled along.
        double carried = (remainders.GetValueOrDefault(affine.Input) * affine.Scale) + (exact ? 0 : remainder);
        if (carried != 0)
            remainders[node.Outputs[0]!] = carried;
        string subject = node.ToString();
        Replace(node, input.Integers, moved);
        report.Changed(subject, "is a change of scale and zero point");
    }

    /// <summary>Whether all that reads a value are layers with a bias, or changes of scale in front of such.</summary>
    private bool HasBias(Value value) => !value.IsGraphOutput && value.Uses.All(u => placement.UnitOf(u.Node) is { } reader
        && (reader.Rule.Kind == RuleKind.Weighted ? u.Index == 0 && !u.Node.Is("MatMul") : reader.Affine is { Shift: 0 } && HasBias(u.Node.Outputs[0]!)));

    /// <summary>a x + b as an 8-bit Add of b / a, read under scale · a.</summary>
    private void EmitShift(QuantizationUnit unit, ScalarAffine affine)
    {
        Node node = unit.Anchor;
        Value result = node.Outputs[0]!;
        string subject = node.ToString();
        QuantizationParameters parameters = ranges[result];
        Value shift = ConstantActivation(node, Tensor.Scalar((float)(affine.Shift / affine.Scale)), $"{result.Name}/shift", null);
        int index = ReferenceEquals(node.Inputs[0]?.Constant, null) ? 0 : 1;
        Value sum = InsertAdd(node, node.Inputs[index]!, shift, $"{result.Name}/shifted");
        Value integers = InsertQuantize(sum, parameters with { Scale = (float)(parameters.Scale / affine.Scale) }, node);
        Replace(node, integers, parameters);
        report.Changed(subject, "runs in 8 bits");
    }

    /// <summary>clip(alpha x + beta, 0, 1) = alpha · clip(x + beta / alpha, 0, 1 / alpha): an 8-bit Add that saturates at both ends, read under another scale.</summary>
    private void EmitHardSigmoid(QuantizationUnit unit)
    {
        Node node = unit.Anchor;
        float alpha = node.Float("alpha", 0.2f), beta = node.Float("beta", 0.5f);
        QuantizationParameters result = QuantizationParameters.FromRange(0, 1, numbers.Format.Activations);
        string subject = node.ToString();
        EmitAdd(node, beta / alpha, QuantizationParameters.FromRange(0, 1 / alpha, result.Type), result);
        report.Changed(subject, "is an 8-bit Add whose saturation is the clip");
    }

    /// <summary>Relu or Clip behind something that others read too: an 8-bit Add of zero that saturates at the same ends.</summary>
    private void EmitSaturation(QuantizationUnit unit)
    {
        QuantizationParameters result = ranges[unit.Outputs[0]];
        string subject = unit.Anchor.ToString();
        EmitAdd(unit.Anchor, 0, result, result);
        report.Changed(subject, "is an 8-bit Add of zero whose saturation is the clip");
    }

    /// <summary>Puts x + <paramref name="shift"/>, quantized one way and read another, in the place of a node.</summary>
    private void EmitAdd(Node node, float shift, QuantizationParameters written, QuantizationParameters read)
    {
        string name = node.Outputs[0]!.Name;
        Value constant = ConstantActivation(node, Tensor.Scalar(shift), $"{name}/shift", null);
        Value sum = InsertAdd(node, node.Inputs[0]!, constant, $"{name}/shifted");
        Replace(node, InsertQuantize(sum, written, node), read);
    }

    /// <summary>An 8-bit Add in front of the node it stands for, by whose name profiles know it.</summary>
    private Value InsertAdd(Node node, Value input, Value shift, string name)
    {
        Node add = node.Graph.InsertBefore(node, "Add", [input, shift], [name], name: node.Name);
        integerNodes.Add(add);
        return add.Outputs[0]!;
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
    /// <param name="clipped">Whether it has no other integers than those of its type as it is.</param>
    private void Quantize(Value logical, Value actual, bool everyReader, bool clipped = false)
    {
        QuantizationParameters parameters = ranges[logical];
        Graph graph = actual.Graph;
        Node? position = actual.Producer is { } producer ? producer.Next : graph.Nodes.FirstOrDefault();
        Use[] readers = [.. actual.Uses.Where(u => everyReader || placement.UnitOf(u.Node) is { Rule.Kind: not RuleKind.RunTime })];
        Value integers = InsertQuantize(actual, clipped ? parameters with { Type = QuantizationParameters.Carrier(parameters.Type) } : parameters, position);
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
        Tensor original = node.Inputs[1]!.Constant!;
        float inputScale = quantized[unit.Inputs[0]].Parameters.Scale;
        float[]? bias = node.Input(2)?.Constant?.ToFloats();
        if (remainders.TryGetValue(unit.Inputs[0], out double remainder))
            bias = WithRemainder(bias, remainder, original, QuantizedWeight.OutputAxis(node));
        QuantizedWeight weight = QuantizedWeight.Of(node, node.Outputs[0]!.Name, numbers, bias, inputScale);
        string name = node.Inputs[1]!.Name;
        SharedConstants shared = Constants(node.Graph);
        Value integers = shared.Get(Packed(weight.Integers), $"{name}_quantized");
        WeightConstraints.Pass(node.Inputs[1]!, integers);
        node.SetInput(1, Dequantize(node, Unpacked(node, integers), weight.Scales, weight.ZeroPoint, weight.Axis, name));
        if (bias is null)
            return;
        int[] quantizedBias = WeightQuantizer.QuantizeBias(bias, inputScale, weight.Scales)
            ?? throw new CompressionException($"The bias of {node} does not fit 32 bits.") { Pass = QuantizeStaticPass.PassName };
        string biasName = node.Input(2)?.Name ?? $"{node.Outputs[0]!.Name}/bias";
        node.SetInput(2, Dequantize(node, shared.Get(Tensor.Vector(quantizedBias), $"{biasName}_quantized"), Array.ConvertAll(weight.Scales, s => s * inputScale), 0, 0, biasName));
    }

    /// <summary>Integers of few bits in few bits.</summary>
    private Tensor Packed(Tensor integers) => numbers.Format.WeightStorage is var type && type == ElementType.Int8 ? integers
        : Tensor.FromPacked(type, integers.Shape.AsSpan(), Array.ConvertAll(integers.Span<sbyte>().ToArray(), q => (int)q));

    /// <summary>Packed integers as 8-bit ones. The engine makes them once, as it loads the model, and then fuses what reads them like any 8-bit weight; of packed ones it would make floats.</summary>
    private static Value Unpacked(Node before, Value integers) => integers.Tensor!.Type == ElementType.Int8 ? integers
        : before.Graph.InsertBefore(before, "Cast", [integers], [$"{integers.Name}/int8"], [new("to", (NodeAttribute)(long)ElementType.Int8)]).Outputs[0]!;

    /// <summary>The bias that makes up for an input that is off by <paramref name="remainder"/> everywhere.</summary>
    private static float[] WithRemainder(float[]? bias, double remainder, Tensor weight, int axis)
    {
        int channels = (int)weight.Shape[axis], inner = (int)Tensor.ElementCount(weight.Shape.AsSpan()[(axis + 1)..]);
        double[] sums = new double[channels];
        ReadOnlySpan<float> values = weight.Span<float>();
        for (int i = 0; i < values.Length; i++)
            sums[i / inner % channels] += values[i];
        return [.. sums.Select((sum, c) => (float)((bias?[c] ?? 0) + remainder * sum))];
    }

    /// <summary>Lets a node read its Float32 constants in 8 bits, under their own ranges or under given parameters.</summary>
    private void QuantizeConstantInputs(Node node, QuantizationParameters? given)
    {
        for (int i = 0; i < node.Inputs.Count; i++)
        {
            if (node.Inputs[i] is { Constant: { Type: ElementType.Float32 } constant } value)
                node.SetInput(i, ConstantActivation(node, constant, value.Name, given));
        }
    }

    private Value ConstantActivation(Node before, Tensor constant, string name, QuantizationParameters? given)
    {
        ReadOnlySpan<float> values = constant.Span<float>();
        QuantizationParameters parameters = given ?? QuantizationParameters.FromRange(TensorPrimitives.Min(values), TensorPrimitives.Max(values), numbers.Format.Activations);
        return InsertDequantize(Constants(before.Graph).Get(parameters.Quantize(constant), $"{name}_quantized"), parameters, before, name);
    }

    private Value InsertQuantize(Value value, QuantizationParameters parameters, Node? position)
    {
        SharedConstants shared = Constants(value.Graph);
        Value integers = ActivationRounding.Insert(value.Graph, position, value, shared.Scale(parameters), shared.ZeroPoint(parameters), parameters.Type, shared.Get);
        conversions.Add(integers.Producer!.Is("Clip") ? integers.Producer.Inputs[0]!.Producer! : integers.Producer);
        return integers;
    }

    private Value InsertDequantize(Value integers, QuantizationParameters parameters, Node? position, string name)
    {
        Graph graph = position?.Graph ?? integers.Graph;
        SharedConstants shared = Constants(graph);
        Value value = graph.InsertBefore(position, "DequantizeLinear", [integers, shared.Scale(parameters), shared.ZeroPoint(parameters)], [$"{name}_dequantized"]).Outputs[0]!;
        restored.Add(value);
        conversions.Add(value.Producer!);
        return value;
    }

    /// <summary>Constant integers as numbers: one scale for each index of the axis, or one for all.</summary>
    private Value Dequantize(Node before, Value integers, float[] scales, sbyte zeroPoint, int axis, string name)
    {
        SharedConstants shared = Constants(before.Graph);
        bool isBias = integers.Constant?.Type == ElementType.Int32;
        // A single scale is a scalar: the engine does not fuse a vector of one element.
        long[] shape = scales.Length == 1 ? [] : [scales.Length];
        Value zeroPoints = shared.Get(isBias ? Tensor.Create(shape, new int[scales.Length]) : Tensor.Create(shape, Enumerable.Repeat(zeroPoint, scales.Length).ToArray()), $"{name}_zero_point");
        return before.Graph.InsertBefore(before, "DequantizeLinear", [integers, shared.Get(Tensor.Create(shape, scales), $"{name}_scale"), zeroPoints], [$"{name}_dequantized"],
            scales.Length == 1 ? [] : [new("axis", (NodeAttribute)(long)axis)]).Outputs[0]!;
    }

    private SharedConstants Constants(Graph graph) => constants.TryGetValue(graph, out SharedConstants? known) ? known : constants[graph] = new(graph);
}
