using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>When operators that compute element by element do nothing.</summary>
internal static class ValueRules
{
    private static readonly string[] NotNegative = ["Relu", "Sigmoid", "HardSigmoid", "Softmax", "Abs"];

    public static NoOp Identity(Node node, TypeFacts types) => new NoOp.SameAs(node.Input(0)!);

    public static NoOp Dropout(Node node, TypeFacts types)
    {
        bool inference = node.OpsetVersion switch
        {
            < 7 => node.Int("is_test", 0) != 0,
            < 12 => true,
            _ => node.Input(2) is null || (node.Input(2)!.Constant is { Type: ElementType.Bool } training && training.ToInt64s().All(t => t == 0)),
        };
        return !inference ? new NoOp.Needed("may be training") : node.Output(1) is { IsUnused: false } ? new NoOp.Needed("its mask is read") : new NoOp.SameAs(node.Input(0)!);
    }

    public static NoOp Cast(Node node, TypeFacts types)
    {
        Value input = node.Input(0)!;
        if (node.Int("to") is not { } to || types.Element(input) is not { } from)
            return new NoOp.Needed("the input's type is not known");
        if ((ElementType)to == from)
            return new NoOp.SameAs(input);
        if (input.Producer is { } inner && inner.Is("Cast") && types.Element(inner.Input(0)) is { } origin && Holds(from, origin))
        {
            // What went to a wider type without loss may as well go straight to the last one.
            return (ElementType)to == origin ? new NoOp.SameAs(inner.Input(0)!)
                : Rewire.HasOneReader(input) ? new NoOp.Shortcut(inner.Input(0)!, $"reads what {inner} read") : new NoOp.Needed("converts");
        }
        return new NoOp.Needed("converts");
    }

    public static NoOp Add(Node node, TypeFacts types) => Neutral(node, types, commutes: true, IsNothingToAdd);

    public static NoOp Sub(Node node, TypeFacts types) => Neutral(node, types, commutes: false, IsNothingToSubtract);

    public static NoOp Mul(Node node, TypeFacts types) => Neutral(node, types, commutes: true, t => All(t, 1));

    public static NoOp Div(Node node, TypeFacts types) => Neutral(node, types, commutes: false, t => All(t, 1));

    public static NoOp Pow(Node node, TypeFacts types) => Neutral(node, types, commutes: false, t => All(t, 1));

    public static NoOp Relu(Node node, TypeFacts types)
    {
        Value input = node.Input(0)!;
        if (input.Producer is not { } inner)
            return new NoOp.Needed("its input may be negative");
        bool clipped = inner.Is("Clip") && Bound(inner, "min", 1) is >= 0;
        return inner.Is(NotNegative) || clipped ? new NoOp.SameAs(input) : new NoOp.Needed("its input may be negative");
    }

    public static NoOp Clip(Node node, TypeFacts types)
    {
        Value input = node.Input(0)!;
        if (node.OpsetVersion >= 11 && node.Input(1) is null && node.Input(2) is null)
            return new NoOp.SameAs(input);
        double? min = Bound(node, "min", 1), max = Bound(node, "max", 2);
        bool repeats = input.Producer is { } inner && inner.Is("Clip") && min is not null && max is not null && min <= max
            && Bound(inner, "min", 1) >= min && Bound(inner, "max", 2) <= max && Bound(inner, "min", 1) <= Bound(inner, "max", 2);
        return repeats ? new NoOp.SameAs(input) : new NoOp.Needed("clips");
    }

    /// <summary>Applied twice in a row, once is enough.</summary>
    public static NoOp Idempotent(Node node, TypeFacts types) => node.Input(0)!.Producer is { } inner && inner.Is(node.OpType)
        ? new NoOp.SameAs(node.Input(0)!) : new NoOp.Needed("computes");

    /// <summary>Applied twice in a row, it gives back what went in.</summary>
    public static NoOp Involution(Node node, TypeFacts types) => node.Input(0)!.Producer is { } inner && inner.Is(node.OpType)
        ? new NoOp.SameAs(inner.Input(0)!) : new NoOp.Needed("computes");

    /// <summary>A constant bound, from attribute or input.</summary>
    private static double? Bound(Node node, string name, int input)
    {
        if (node.OpsetVersion >= 11)
            return node.Input(input)?.Constant is { Length: 1 } tensor && (tensor.Type.IsFloat() || tensor.Type.IsInteger()) ? tensor.ToDoubles()[0] : null;
        return node.Attributes.ContainsKey(name) ? node.Float(name, 0) : name == "min" ? float.MinValue : float.MaxValue;
    }

    private static NoOp Neutral(Node node, TypeFacts types, bool commutes, Func<Tensor, bool> neutral)
    {
        for (int i = 1; i >= (commutes ? 0 : 1); i--)
        {
            if (node.Input(i)?.Constant is not { } constant || !neutral(constant))
                continue;
            Value other = node.Input(1 - i)!;
            if (types.Element(other) is { } element && element != constant.Type)
                continue;
            // The constant must not widen the result: fewer dimensions, all of them 1, or exactly the other's shape.
            bool narrow = constant.Rank == 0 || (types.Rank(other) is { } rank && constant.Rank <= rank && (constant.Shape.All(d => d == 1) || Fits(constant, types.Shape(other)!)));
            return narrow ? new NoOp.SameAs(other) : new NoOp.Needed("neutral, but may widen its other operand's shape");
        }
        return new NoOp.Needed("computes");
    }

    private static bool Fits(Tensor constant, Dimension[] shape) =>
        !constant.Shape.Where((size, i) => size != 1 && size != shape[i + shape.Length - constant.Rank].Size).Any();

    private static bool All(Tensor tensor, double value) => tensor.Length is > 0 and <= 1 << 20 && (tensor.Type.IsInteger() || IsCommonFloat(tensor.Type)) && Array.TrueForAll(tensor.ToDoubles(), v => v == value);

    // In floating point x + 0 turns -0 into 0; x + (-0) and x - 0 leave every x as it is.
    private static bool IsNothingToAdd(Tensor tensor) => All(tensor, 0) && (tensor.Type.IsInteger() || Array.TrueForAll(tensor.ToDoubles(), double.IsNegative));

    private static bool IsNothingToSubtract(Tensor tensor) => All(tensor, 0) && (tensor.Type.IsInteger() || Array.TrueForAll(tensor.ToDoubles(), v => !double.IsNegative(v)));

    private static bool IsCommonFloat(ElementType type) => type is ElementType.Float32 or ElementType.Float64 or ElementType.Float16 or ElementType.BFloat16;

    /// <summary>True when <paramref name="wide"/> holds every value of <paramref name="narrow"/> exactly.</summary>
    private static bool Holds(ElementType wide, ElementType narrow) => (narrow, wide) switch
    {
        (ElementType.Float32, ElementType.Float64) => true,
        (ElementType.Float16 or ElementType.BFloat16, ElementType.Float32 or ElementType.Float64) => true,
        (ElementType.Int32, ElementType.Int64 or ElementType.Float64) => true,
        (ElementType.UInt32, ElementType.Int64 or ElementType.UInt64 or ElementType.Float64) => true,
        (ElementType.Int8 or ElementType.UInt8 or ElementType.Int16, ElementType.Int32 or ElementType.Int64 or ElementType.Float32 or ElementType.Float64) => true,
        (ElementType.UInt16, ElementType.Int32 or ElementType.Int64 or ElementType.Float32 or ElementType.Float64) => true,
        (ElementType.Bool, ElementType.UInt8 or ElementType.Int8 or ElementType.Int32 or ElementType.Int64 or ElementType.Float32 or ElementType.Float64 or ElementType.Float16) => true,
        _ => false,
    };
}
