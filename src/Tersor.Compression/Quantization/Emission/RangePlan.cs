using Tersor.Compression.Quantization.Placement;
using Tersor.Onnx;

namespace Tersor.Compression.Quantization.Emission;

/// <summary>Scale and zero point of every activation of a placement.</summary>
/// <remarks>Values that 8-bit copies connect (Concat, MaxPool, Reshape ...) share one pair: they are one class of a union-find, and the class's range holds all of theirs.
/// A vanished Relu or Clip shows as a range that begins at 0.</remarks>
internal sealed class RangePlan
{
    private readonly Dictionary<Value, Value> parents = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);
    private readonly Dictionary<Value, QuantizationParameters> parameters = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);

    /// <param name="placement">What runs in 8 bits.</param>
    /// <param name="rangeOf">The estimated range of an activation.</param>
    public RangePlan(QuantizationPlacement placement, Func<Value, (double Low, double High)> rangeOf)
    {
        foreach (QuantizationUnit unit in placement.Units.Where(u => u.Rule.Kind == RuleKind.PassThrough))
        {
            foreach (Value value in unit.Inputs.Concat(unit.Outputs))
                parents[Find(value)] = Find(unit.Outputs[0]);
        }
        Dictionary<Value, (double Low, double High)> ranges = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);
        foreach (Value value in placement.Activations())
        {
            (double low, double high) = Limit(placement.ProducerOf(value), rangeOf(value));
            Value root = Find(value);
            ranges[root] = ranges.TryGetValue(root, out (double Low, double High) known) ? (Math.Min(low, known.Low), Math.Max(high, known.High)) : (low, high);
        }
        foreach ((Value root, (double low, double high)) in ranges)
            parameters[root] = QuantizationParameters.FromRange(low, high);
    }

    public QuantizationParameters this[Value value] => parameters[Find(value)];

    private static (double Low, double High) Limit(QuantizationUnit? producer, (double Low, double High) range) => producer switch
    {
        { Activation: not null } => (0, Math.Min(producer.Ceiling ?? double.PositiveInfinity, Math.Max(0, range.High))),
        { Rule.Kind: RuleKind.HardSigmoid } or { Rule.OpType: "Sigmoid" or "Softmax" } => (0, 1),
        _ => range,
    };

    private Value Find(Value value)
    {
        while (parents.TryGetValue(value, out Value? parent) && !ReferenceEquals(parent, value))
            value = parent;
        return value;
    }
}
