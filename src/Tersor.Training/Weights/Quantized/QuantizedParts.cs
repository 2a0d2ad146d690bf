using Tersor.Onnx;

namespace Tersor.Training.Weights.Quantized;

/// <summary>What a model holds in integers, and the scales of what it quantizes while it runs.</summary>
internal sealed class QuantizedParts
{
    private QuantizedParts(IReadOnlyList<QuantizedConstant> constants, IReadOnlyList<Value> scales, bool learnsScales) => (Constants, Scales, LearnsScales) = (constants, scales, learnsScales);

    /// <summary>Weights and biases in integers.</summary>
    public IReadOnlyList<QuantizedConstant> Constants { get; }

    /// <summary>Scales of activations: constants that only QuantizeLinear and DequantizeLinear read.</summary>
    public IReadOnlyList<Value> Scales { get; }

    /// <summary>Whether scales are trained.</summary>
    public bool LearnsScales { get; }

    /// <summary>Whether a constant is a scale that is trained, or follows from what is.</summary>
    public bool Learns(string name) => LearnsScales && (Scales.Any(s => s.Name == name) || Constants.Any(c => c.Scale.Name == name));

    /// <summary>Finds them. Scales of constants become constants of their own.</summary>
    /// <param name="model">What is written at the end.</param>
    /// <param name="chooser">Knows what stays as it is.</param>
    /// <param name="learnsScales">Whether scales are trained, those of weights and of activations.</param>
    public static QuantizedParts Find(Model model, WeightChooser chooser, bool learnsScales)
    {
        Dictionary<Value, QuantizedConstant> constants = new(ReferenceEqualityComparer.Instance);
        Node[] nodes = [.. model.AllNodes().Where(n => n.Is("DequantizeLinear"))];
        foreach (IGrouping<Value, Node> readers in nodes.Where(IsConstant).GroupBy(Integers, ReferenceEqualityComparer.Instance as IEqualityComparer<Value>))
        {
            if (IsSingle(readers.Key, [.. readers]) || chooser.IsFrozen(readers.Key) || readers.Any(r => r.Outputs[0]!.Uses.Any(u => chooser.IsFrozen(u.Node))) || Own(readers.Key, [.. readers]) is not { } constant)
                continue;
            constants[readers.Key] = constant;
        }
        QuantizedConstant[] all = [.. constants.Values.Select(c => c.IsWide ? c with { Layer = LayerOf(c, constants) } : c)];
        Value[] scales = !learnsScales ? [] : [.. nodes.Select(n => n.Input(1)).OfType<Value>().Where(s => s.Tensor is { Length: 1 } && !chooser.IsFrozen(s) && s.Uses.All(IsScaleOfActivation)).Distinct()];
        return new(all, scales, learnsScales);
    }

    /// <summary>Puts floats in the place of the integers.</summary>
    /// <param name="copies">Values of the model, and those of a copy of it, which is changed.</param>
    /// <returns>The floats, by the constant.</returns>
    public IReadOnlyDictionary<QuantizedConstant, Value> PutFloats(IReadOnlyDictionary<Value, Value> copies)
    {
        Dictionary<QuantizedConstant, Value> floats = [];
        foreach (QuantizedConstant constant in Constants)
        {
            Value[] dequantized = [.. constant.Dequantized.Select(d => copies[d])];
            Value stands = dequantized[0].Graph.AddInitializer(dequantized[0].Name, Floats(constant));
            foreach (Value value in dequantized)
            {
                Node node = value.Producer!;
                Node? unpacking = node.Input(0)?.Producer;
                value.ReplaceAllUsesWith(stands);
                node.Remove();
                if (unpacking?.Outputs[0]?.IsUnused == true)
                    unpacking.Remove();
            }
            floats[constant] = stands;
        }
        return floats;
    }

    /// <summary>What the integers stand for.</summary>
    public static OnnxTensor Floats(QuantizedConstant constant)
    {
        long[] integers = constant.Integers.Tensor!.ToInt64s();
        float[] scales = constant.Scale.Tensor!.ToFloats();
        long[] shape = [.. constant.Integers.Tensor.Shape];
        long inner = constant.Axis is { } axis ? shape[(axis + 1)..].Aggregate(1L, (a, b) => a * b) : 1;
        return OnnxTensor.Create(shape, [.. integers.Select((q, i) => (q - constant.ZeroPoint) * scales[constant.Axis is null ? 0 : i / inner % scales.Length])]);
    }

    /// <summary>A single number beside a layer is none of its weights: the 3 of a spelled-out HardSwish.</summary>
    private static bool IsSingle(Value integers, Node[] readers) => integers.Tensor!.Length == 1 && !readers.Any(r => r.Outputs[0]!.Uses.Any(u => u.Index > 0 && u.Node.Is("Conv", "ConvTranspose", "Gemm", "MatMul")));

    private static Value Integers(Node node) => Packed(node) ?? node.Inputs[0]!;

    /// <summary>A constant of fewer than 8 bits behind a Cast to 8; null: there is none.</summary>
    private static Value? Packed(Node node) => node.Input(0)?.Producer is { } cast && cast.Is("Cast") && cast.Input(0) is { Tensor: not null, Producer: null } packed ? packed : null;

    private static bool IsConstant(Node node) => node.Input(0) is { } input && (Packed(node) ?? input) is { Tensor: { } tensor } && tensor.Type.IsInteger();

    private static QuantizedConstant? Own(Value integers, Node[] readers)
    {
        Node first = readers[0];
        // One scale and one zero point, in a form that training can write back; else it stays as it is.
        if (first.Input(1) is not { Tensor: { } scale } shared || readers.Any(r => !ReferenceEquals(r.Input(1), shared) || !ReferenceEquals(r.Graph, first.Graph)) || first.Int("block_size", 0) != 0
            || !first.IsStandard || scale.Rank > 1 || !scale.Type.IsFloat() || integers.Uses.Any(u => !u.Node.Is("DequantizeLinear", "Cast") || u.Index != 0))
        {
            return null;
        }
        long[] zeros = [.. first.Input(2) is null ? [0L] : first.Input(2)!.Tensor?.ToInt64s().Distinct() ?? []];
        if (zeros.Length != 1)
            return null;
        int rank = integers.Tensor!.Rank;
        int? axis = scale.Length == 1 ? null : (int)((first.Int("axis", 1) + rank) % rank);
        Value own = shared;
        if (shared.Uses.Count > readers.Length || shared.Producer is not null)
        {
            own = first.Graph.AddInitializer($"{integers.Name}/scale", scale);
            foreach (Node reader in readers)
                reader.SetInput(1, own);
        }
        return new(integers, own, [.. readers.Select(r => r.Outputs[0]!)]) { Axis = axis, ZeroPoint = (int)zeros[0] };
    }

    /// <summary>The weight and the input's scale of the layer a bias belongs to.</summary>
    private static (QuantizedConstant, Value)? LayerOf(QuantizedConstant bias, Dictionary<Value, QuantizedConstant> constants) =>
        bias.Dequantized is [{ Uses: [{ Index: 2 } use] }] && use.Node.Is("Conv", "Gemm")
        && use.Node.Input(0)?.Producer is { } input && input.Is("DequantizeLinear") && input.Input(1) is { Tensor: { Length: 1 } } scale
        && use.Node.Input(1)?.Producer is { } weight && weight.Is("DequantizeLinear") && constants.TryGetValue(Integers(weight), out QuantizedConstant? found) && found.Scale.Tensor!.Length == bias.Scale.Tensor!.Length ? (found, scale) : null;

    private static bool IsScaleOfActivation(Use use) => use.Index == 1 && (use.Node.Is("QuantizeLinear") || use.Node.Is("DequantizeLinear") && !IsConstant(use.Node));
}
