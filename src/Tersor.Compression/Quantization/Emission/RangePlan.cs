using Tersor.Compression.Quantization.Placement;
using Tersor.Onnx;

namespace Tersor.Compression.Quantization.Emission;

/// <summary>Scale and zero point of every activation of a placement.</summary>
/// <remarks>Values that 8-bit copies connect (MaxPool, Reshape, Concat ...) share one pair: they are one class of a union-find, and the class's range holds all of theirs.
/// A vanished Relu or Clip shows as a range that begins at 0 and ends at its ceiling: what is joined with values beyond those ends stays a class of its own, since its saturation does the clipping.</remarks>
internal sealed class RangePlan
{
    /// <summary>What a class holds, and how far it may at most be widened.</summary>
    private readonly record struct Extent(double Low, double High, double Floor, double Ceiling)
    {
        public Extent With(Extent other) => new(Math.Min(Low, other.Low), Math.Max(High, other.High), Math.Max(Floor, other.Floor), Math.Min(Ceiling, other.Ceiling));

        public bool Allows(Extent other) => other.Low >= Floor && other.High <= Ceiling;
    }

    private readonly Dictionary<Value, Value> parents = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);
    private readonly Dictionary<Value, Extent> extents = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);
    private readonly Dictionary<Value, QuantizationParameters> parameters = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);

    /// <param name="placement">What runs in 8 bits.</param>
    /// <param name="rangeOf">The estimated range of an activation.</param>
    public RangePlan(QuantizationPlacement placement, Func<Value, (double Low, double High)> rangeOf)
    {
        foreach (Value value in placement.Activations())
            extents[value] = ExtentOf(placement.ProducerOf(value), rangeOf(value));
        QuantizationUnit[] copies = [.. placement.Units.Where(u => u.Rule.Kind == RuleKind.PassThrough)];
        foreach (QuantizationUnit copy in copies.Where(u => u.Rule.ActivationInputs == 1))
        {
            foreach (Value value in copy.Inputs.Concat(copy.Outputs))
                Unite(value, copy.Outputs[0]);
        }
        // Kernels that join several inputs can convert one that keeps a scale of its own; they are only slower then.
        foreach (QuantizationUnit join in copies.Where(u => u.Rule.ActivationInputs > 1))
        {
            foreach (Value value in join.Inputs)
            {
                Extent input = extents[Find(value)], output = extents[Find(join.Outputs[0])];
                if (input.Allows(output) && output.Allows(input))
                    Unite(value, join.Outputs[0]);
            }
        }
        foreach (Value root in extents.Keys.Where(v => ReferenceEquals(Find(v), v)))
            parameters[root] = QuantizationParameters.FromRange(extents[root].Low, extents[root].High);
    }

    public QuantizationParameters this[Value value] => parameters[Find(value)];

    private static Extent ExtentOf(QuantizationUnit? producer, (double Low, double High) range) => producer switch
    {
        { Activation: not null } when (producer.Ceiling ?? double.PositiveInfinity) is var ceiling => new(0, Math.Min(ceiling, Math.Max(0, range.High)), 0, ceiling),
        { Rule.Kind: RuleKind.HardSigmoid } or { Rule.OpType: "Sigmoid" or "Softmax" } => new(0, 1, double.NegativeInfinity, double.PositiveInfinity),
        _ => new(range.Low, range.High, double.NegativeInfinity, double.PositiveInfinity),
    };

    private void Unite(Value value, Value other)
    {
        Value from = Find(value), to = Find(other);
        if (ReferenceEquals(from, to))
            return;
        parents[from] = to;
        extents[to] = extents[to].With(extents[from]);
    }

    private Value Find(Value value)
    {
        while (parents.TryGetValue(value, out Value? parent) && !ReferenceEquals(parent, value))
            value = parent;
        return value;
    }
}
