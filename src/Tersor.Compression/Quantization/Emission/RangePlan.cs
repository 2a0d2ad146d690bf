using Tersor.Compression.Quantization.Placement;
using Tersor.Onnx;

namespace Tersor.Compression.Quantization.Emission;

/// <summary>Scale and zero point of every activation of a placement.</summary>
/// <remarks>Values that 8-bit copies connect (MaxPool, Reshape, Concat ...) share one pair: they are one class of a union-find, and the class's range holds all of theirs.
/// A vanished Relu or Clip shows as a range that ends where it clips: what is joined with values beyond those ends stays a class of its own, since its saturation does the clipping.
/// A value that is read shifted by a number, x + b, gets a range that holds −b and a scale of which b is a multiple: then the same integers stand for both.</remarks>
internal sealed class RangePlan
{
    /// <summary>How much wider a range may become, as a share of itself, to make a shift cost nothing. Beyond it, the lost resolution is worth an addition.</summary>
    private const double WideningLimit = 0.25;

    /// <summary>From so many steps on, a shift is made a whole number of them: the scale grows by less than one part in as many.</summary>
    private const double LeastSteps = 12;

    /// <summary>What a class holds, and how far it may at most be widened.</summary>
    private readonly record struct Extent(double Low, double High, double Floor, double Ceiling)
    {
        public Extent With(Extent other) => new(Math.Min(Low, other.Low), Math.Max(High, other.High), Math.Max(Floor, other.Floor), Math.Min(Ceiling, other.Ceiling));

        public bool Allows(Extent other) => other.Low >= Floor && other.High <= Ceiling;

        /// <summary>The extent that holds a value too, or itself where that is not allowed or costs too much.</summary>
        public Extent Reaching(double value)
        {
            double low = Math.Min(Low, value), high = Math.Max(High, value);
            return low >= Floor && high <= Ceiling && high - low <= (1 + WideningLimit) * (Math.Max(High, 0) - Math.Min(Low, 0)) ? this with { Low = low, High = high } : this;
        }
    }

    private readonly Dictionary<Value, Value> parents = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);
    private readonly Dictionary<Value, Extent> extents = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);
    private readonly Dictionary<Value, QuantizationParameters> parameters = new(ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);

    /// <param name="placement">What runs in 8 bits.</param>
    /// <param name="numbers">Ranges and format of activations.</param>
    public RangePlan(QuantizationPlacement placement, StaticNumbers numbers)
    {
        foreach (Value value in placement.Activations())
            extents[value] = ExtentOf(placement.ProducerOf(value), numbers.RangeOf(value));
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
        ILookup<Value, double> zeros = Zeros(placement).ToLookup(z => Find(z.Source), z => z.Zero, ReferenceEqualityComparer.Instance as IEqualityComparer<Value>);
        foreach (Value root in extents.Keys.Where(v => ReferenceEquals(Find(v), v)).ToArray())
        {
            Extent extent = zeros[root].Aggregate(extents[root], (e, zero) => e.Reaching(zero));
            QuantizationParameters chosen = numbers.Format.ForRange(extent.Low, extent.High);
            double steps = zeros[root].Select(z => Math.Abs(z) / chosen.Scale).FirstOrDefault(s => s >= LeastSteps);
            if (steps > 0) // x is clipped at its own ends: they must stay where they are
                chosen = double.IsInfinity(extent.Floor) && double.IsInfinity(extent.Ceiling) ? Coarser(chosen, steps / Math.Floor(steps)) : chosen;
            parameters[root] = chosen;
        }
    }

    public QuantizationParameters this[Value value] => parameters[Find(value)];

    /// <summary>The same range under a scale larger by a factor of at most 1 + 1 / <see cref="LeastSteps"/>; zero stays where it was among the integers, as far as it can.</summary>
    private static QuantizationParameters Coarser(QuantizationParameters chosen, double factor)
    {
        (int least, int greatest) = QuantizationParameters.Integers(chosen.Type);
        float scale = (float)(chosen.Scale * factor);
        int zeroPoint = (int)Math.Clamp(least + Math.Round(-chosen.Range.Low / scale, MidpointRounding.ToEven), least, greatest);
        return chosen with { Scale = scale, ZeroPoint = zeroPoint };
    }

    /// <summary>For every shift by a number: the value that is shifted, looked at through the affine nodes between, and which of its values stands for 0 behind it.</summary>
    private static IEnumerable<(Value Source, double Zero)> Zeros(QuantizationPlacement placement)
    {
        foreach (QuantizationUnit unit in placement.Units.Where(u => u.Affine is { Shift: not 0 }))
        {
            double scale = unit.Affine!.Scale, shift = unit.Affine.Shift;
            Value source = unit.Affine.Input;
            while (placement.ProducerOf(source) is { Affine: { } before })
            {
                shift += scale * before.Shift;
                scale *= before.Scale;
                source = before.Input;
            }
            yield return (source, -shift / scale);
        }
    }

    private static Extent ExtentOf(QuantizationUnit? producer, (double Low, double High) range)
    {
        if (producer?.Rule.Kind == RuleKind.HardSigmoid)
            range = (0, 1);
        else if (producer is { Rule.Range: { } given, Activation: null })
            range = given;
        return producer?.Clipping is not { } clipping ? new(range.Low, range.High, double.NegativeInfinity, double.PositiveInfinity)
            : new(Math.Max(clipping.Low, Math.Min(0, range.Low)), Math.Max(0, Math.Min(clipping.High ?? double.PositiveInfinity, range.High)), clipping.Low, clipping.High ?? double.PositiveInfinity);
    }

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
