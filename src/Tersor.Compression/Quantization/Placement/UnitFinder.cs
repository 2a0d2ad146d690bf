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
            if (rules.Find(node) is not { } rule || absorbed.Contains(node) || ComputesIntegers(node))
                continue;
            if (Reason(node, rule) is { } reason)
            {
                skipped.Add(new(node.ToString(), reason));
                continue;
            }
            Node? activation = rule.Kind is RuleKind.Weighted or RuleKind.Fused ? FindActivation(node) : null;
            if (activation is not null)
                absorbed.Add(activation);
            units.Add(Build(node, rule, activation));
        }
        return (units, skipped);
    }

    /// <summary>Arithmetic on shapes and indices uses the same operators.</summary>
    private bool ComputesIntegers(Node node) => node.Output(0) is { } output && (typeOf(output) as OnnxType.Tensor)?.ElementType is { } type && type is not (ElementType.Float32 or ElementType.Float64 or ElementType.Float16 or ElementType.BFloat16);

    private QuantizationUnit Build(Node node, EngineRule rule, Node? activation)
    {
        ScalarAffine? affine = activation is null ? ScalarAffine.Of(node, typeOf) : null;
        double elements = Elements(node.Outputs[0]!);
        (double floatCost, double quantizedCost) = rule.Kind == RuleKind.Weighted ? WeightedCosts(node) : rule.Kind == RuleKind.RunTime ? RecurrentCosts(node) : (rule.FloatCost * elements, affine is null ? rule.QuantizedCost * elements : 0);
        return new(node, rule)
        {
            Activation = activation,
            Affine = affine,
            Clipping = activation is not null ? Clipping.Of(activation) : rule.Kind == RuleKind.Saturation ? Clipping.Of(node) : null,
            Inputs = rule.Kind == RuleKind.RunTime ? [] : affine is not null ? [affine.Input] : [.. Activations(node, rule).Where(v => v.Constant is null).Distinct()],
            GivesFloat = rule.CanGiveFloat && activation is null,
            FloatCost = floatCost,
            QuantizedCost = quantizedCost,
        };
    }

    private static IEnumerable<Value> Activations(Node node, EngineRule rule) => node.Inputs.Take(rule.ActivationInputs).OfType<Value>();

    /// <summary>Why a node cannot run in 8 bits, or null when it can.</summary>
    private string? Reason(Node node, EngineRule rule)
    {
        if (node.Outputs.Count == 0 || node.Outputs[0] is null)
            return "has no first output";
        Value[] activations = [.. Activations(node, rule)];
        foreach (Value value in activations.Concat(rule.Kind == RuleKind.RunTime ? [] : node.Outputs.OfType<Value>()))
        {
            if ((typeOf(value) as OnnxType.Tensor)?.ElementType != ElementType.Float32)
                return $"'{value.Name}' is not known to be Float32";
        }
        if (activations.Any(v => !ReferenceEquals(v.Graph, node.Graph) && v.Constant is null))
            return "it reads a value from outside its body";
        if (activations.Any(v => v.Constant is { } constant && !WeightQuantizer.IsFinite(constant)))
            return "one of its constants is not finite";
        if (!activations.Any(v => v.Constant is null))
            return "its inputs are constant";
        if (rule.Kind == RuleKind.PassThrough && rule.ActivationInputs == 1 && activations.Any(v => v.Constant is not null))
            return "its input is constant";
        return rule.Refuses(node, typeOf);
    }

    /// <summary>A Relu or Clip that alone reads the node's result.</summary>
    private Node? FindActivation(Node node)
    {
        Value output = node.Outputs[0]!;
        if (output.IsGraphOutput || output.Uses.Count != 1 || !ReferenceEquals(output.Uses[0].Node.Graph, node.Graph))
            return null;
        Use use = output.Uses[0];
        return use.Index == 0 && rules.Find(use.Node) is { Kind: RuleKind.Saturation } && Clipping.Of(use.Node) is not null ? use.Node : null;
    }

    private (double Float, double Quantized) WeightedCosts(Node node)
    {
        Tensor weight = node.Inputs[1]!.Constant!;
        double perOutput = (double)weight.Length / Math.Max(1, weight.Shape[QuantizedWeight.OutputAxis(node)]);
        double macs = Elements(node.Outputs[0]!) * perOutput;
        if (weight.Rank == 2)
            return (macs * rules.FloatMac, macs * rules.FloatMac / rules.MatrixGain);
        long group = node.Int("group", 1), channels = weight.Shape[1] * group;
        double cost = macs * (group > 1 && group == channels ? rules.FloatDepthwiseMac : rules.FloatMac);
        return (cost, cost / rules.ConvolutionGain(channels, group, weight.Shape.Skip(2).Aggregate(1L, (a, b) => a * b)));
    }

    private (double Float, double Quantized) RecurrentCosts(Node node)
    {
        Tensor input = node.Inputs[1]!.Constant!, state = node.Inputs[2]!.Constant!;
        // The input is [steps, batch, width]: all weights are used once a step and sequence.
        double macs = Elements(node.Inputs[0]!) / Math.Max(1, input.Shape[2]) * (input.Length + state.Length);
        return (macs * rules.FloatMac, macs * rules.FloatMac / rules.RecurrentGain);
    }

    /// <summary>Elements of a value; dimensions that are not known count as 1, an unknown shape as a medium one.</summary>
    internal double Elements(Value value) => (typeOf(value) as OnnxType.Tensor)?.Shape is { } shape
        ? shape.Aggregate(1.0, (product, d) => product * (d.Size ?? 1)) : UnknownElements;
}
