using Tersor.Compression.Quantization.Emission;
using Tersor.Onnx;

namespace Tersor.Compression.Quantization.Placement;

/// <summary>Finds what could run in 8 bits in one graph, with an estimate of what it costs either way; says why the rest cannot.</summary>
/// <param name="rules">What the engine fuses.</param>
/// <param name="typeOf">Type and, as far as known, shape of a value.</param>
internal sealed class UnitFinder(EngineRules rules, Func<Value, OnnxType?> typeOf)
{
    private const double UnknownElements = 1 << 16;

    /// <summary>Units of the graph, bodies not included, and what was left out with its reason (operators the engine never quantizes are not listed).</summary>
    public (List<QuantizationUnit> Units, List<PassSkip> Skipped) Find(Graph graph)
    {
        List<QuantizationUnit> units = [];
        List<PassSkip> skipped = [];
        HashSet<Node> absorbed = new(ReferenceEqualityComparer.Instance);
        foreach (Node node in graph.Nodes)
        {
            if (!node.IsStandard || rules.Find(node.OpType) is not { Kind: not RuleKind.Absorbed } rule || absorbed.Contains(node))
                continue;
            if (Reason(node, rule) is { } reason)
            {
                if (rule.Kind == RuleKind.Weighted)
                    skipped.Add(new(node.ToString(), reason));
                continue;
            }
            (Node? activation, double? ceiling) = rule.Kind is RuleKind.Weighted or RuleKind.Fused ? FindActivation(node) : default;
            if (activation is not null)
                absorbed.Add(activation);
            units.Add(Build(node, rule, activation, ceiling));
        }
        return (units, skipped);
    }

    private QuantizationUnit Build(Node node, EngineRule rule, Node? activation, double? ceiling)
    {
        double? rescale = activation is null ? PositiveFactor(node) : null;
        double elements = Elements(node.Outputs[0]!);
        double floatCost = rule.FloatCost * elements, quantizedCost = rescale is null ? rule.QuantizedCost * elements : 0;
        if (rule.Kind == RuleKind.Weighted)
            (floatCost, quantizedCost) = WeightedCosts(node);
        return new(node, rule)
        {
            Activation = activation,
            Ceiling = ceiling,
            Rescale = rescale,
            Inputs = [.. node.Inputs.Take(rule.ActivationInputs).OfType<Value>().Where(v => v.Constant is null).Distinct()],
            GivesFloat = node.Is("MatMul") && activation is null,
            FloatCost = floatCost,
            QuantizedCost = quantizedCost,
        };
    }

    /// <summary>Why a node cannot run in 8 bits, or null when it can.</summary>
    private string? Reason(Node node, EngineRule rule)
    {
        if (node.Outputs.Count == 0 || node.Outputs[0] is null)
            return "has no first output";
        Value[] activations = [.. node.Inputs.Take(rule.ActivationInputs).OfType<Value>()];
        if (activations.Any(v => !ReferenceEquals(v.Graph, node.Graph)))
            return "it reads a value from outside its body";
        foreach (Value value in activations.Concat(node.Outputs.OfType<Value>()))
        {
            if ((typeOf(value) as OnnxType.Tensor)?.ElementType != ElementType.Float32)
                return $"'{value.Name}' is not known to be Float32";
        }
        if (activations.Any(v => v.Constant is { } constant && !WeightQuantizer.IsFinite(constant)))
            return "one of its constants is not finite";
        if (!activations.Any(v => v.Constant is null))
            return "its inputs are constant";
        if (rule.Kind == RuleKind.PassThrough && activations.Any(v => v.Constant is not null))
            return "one of its inputs is constant";
        return node.OpType switch
        {
            "HardSigmoid" when node.Float("alpha", 0.2f) <= 0 => "its alpha is not positive",
            "Conv" => WeightReason(node, 1, rank: null) ?? BiasReason(node),
            "Gemm" when node.Int("transA", 0) != 0 || node.Float("alpha", 1) != 1 || (node.Input(2) is not null && node.Float("beta", 1) != 1) => "alpha, beta or transA is not the default",
            "Gemm" => WeightReason(node, 1, rank: 2) ?? BiasReason(node),
            "MatMul" => WeightReason(node, 1, rank: 2),
            _ when rule.Kind == RuleKind.Rescale && PositiveFactor(node) is null => "it divides by something other than one positive constant",
            "Resize" when node.Text("mode") is not (null or "nearest") => $"mode is {node.Text("mode")}; the engine has 8-bit kernels for nearest",
            "Resize" when node.Inputs.Skip(1).Any(v => v is not null && v.Constant is null) => "its scales are not constant",
            "Softmax" when (typeOf(node.Outputs[0]!) as OnnxType.Tensor)?.Shape is not { } shape || node.Int("axis", -1) is var axis && axis != -1 && axis != shape.Length - 1 => "its axis is not the last",
            "Gather" when node.Input(1)?.Constant is null => "its indices are not constant",
            "MaxPool" when node.Output(1) is not null => "its indices are read",
            _ => null,
        };
    }

    private static string? WeightReason(Node node, int index, int? rank)
    {
        if (node.Input(index)?.Constant is not { } weight)
            return node.Input(index)?.Producer is { } producer && producer.Is("DequantizeLinear") ? "its weight is quantized already" : "its weight is not constant";
        if (weight.Type != ElementType.Float32)
            return $"its weight is {weight.Type}";
        if (!WeightQuantizer.IsFinite(weight))
            return "its weight is not finite";
        if (WeightConstraints.Reason(node.Input(index)!) is { } constrained)
            return $"its weight stays: {constrained}";
        return rank is { } expected && weight.Rank != expected ? $"its weight has {weight.Rank} dimensions; expected {expected}" : null;
    }

    private static string? BiasReason(Node node) => node.Input(2) switch
    {
        null => null,
        { Constant: null } => "its bias is not constant",
        { Constant: { } bias } when bias.Type == ElementType.Float32 && !WeightQuantizer.IsFinite(bias) => "its bias is not finite",
        // A column [N, 1] has as many elements as a row, and is added the other way round.
        { Constant: { Rank: > 0 } bias } when bias.Shape[^1] != node.Inputs[1]!.Constant!.Shape[QdqEmitter.WeightAxis(node)] => $"its bias has shape [{string.Join(", ", bias.Shape)}], not one element an output channel",
        { Constant: { } bias } when bias.Length != node.Inputs[1]!.Constant!.Shape[QdqEmitter.WeightAxis(node)] => $"its bias has {bias.Length} elements, not one an output channel",
        _ => null,
    };

    /// <summary>A Relu, or a Clip from 0 upwards, that alone reads the node's result.</summary>
    private (Node? Activation, double? Ceiling) FindActivation(Node node)
    {
        Value output = node.Outputs[0]!;
        if (output.IsGraphOutput || output.Uses.Count != 1 || !ReferenceEquals(output.Uses[0].Node.Graph, node.Graph))
            return default;
        Node reader = output.Uses[0].Node;
        if (!reader.IsStandard || output.Uses[0].Index != 0 || rules.Find(reader.OpType) is not { Kind: RuleKind.Absorbed })
            return default;
        if (reader.Is("Relu"))
            return (reader, null);
        float? low = reader.Input(1) is { } min ? min.Constant?.ToFloats() is [float l] ? l : float.NaN : null;
        float? high = reader.Input(2) is { } max ? max.Constant?.ToFloats() is [float h] ? h : float.NaN : null;
        return low == 0 && high is null or > 0 ? (reader, high) : default;
    }

    /// <summary>c where the node computes x · c or x / (1 / c) with one positive constant; null otherwise.</summary>
    private double? PositiveFactor(Node node)
    {
        if (!node.Is("Mul", "Div"))
            return null;
        int index = node.Is("Mul") && node.Inputs[0]?.Constant is not null ? 0 : 1;
        if (node.Inputs[index]?.Constant is not { Length: 1, Type: ElementType.Float32 } constant || constant.Span<float>()[0] is var value && (value <= 0 || !float.IsNormal(value)))
            return null;
        // A constant of more dimensions than the other input gives them to the result.
        int? rank = (typeOf(node.Inputs[1 - index]!) as OnnxType.Tensor)?.Shape?.Length;
        return constant.Rank > (rank ?? 0) ? null : node.Is("Mul") ? value : 1.0 / value;
    }

    private (double Float, double Quantized) WeightedCosts(Node node)
    {
        Tensor weight = node.Inputs[1]!.Constant!;
        double outputs = Elements(node.Outputs[0]!);
        if (!node.Is("Conv"))
        {
            double depth = node.Is("Gemm") && node.Int("transB", 0) != 0 ? weight.Shape[1] : weight.Shape[0];
            double macs = outputs * depth * rules.FloatMac;
            return (macs, macs / rules.MatrixGain);
        }
        long group = node.Int("group", 1), channels = weight.Shape[1] * group;
        double perOutput = weight.Length / Math.Max(1, weight.Shape[0]);
        bool depthwise = group > 1 && group == channels;
        double cost = outputs * perOutput * (depthwise ? rules.FloatDepthwiseMac : rules.FloatMac);
        return (cost, cost / rules.ConvolutionGain(channels, group, weight.Shape.Skip(2).Aggregate(1L, (a, b) => a * b)));
    }

    /// <summary>Elements of a value; dimensions that are not known count as 1, an unknown shape as a medium one.</summary>
    internal double Elements(Value value) => (typeOf(value) as OnnxType.Tensor)?.Shape is { } shape
        ? shape.Aggregate(1.0, (product, d) => product * (d.Size ?? 1)) : UnknownElements;
}
