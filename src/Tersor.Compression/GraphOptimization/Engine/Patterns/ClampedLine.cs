using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>A value as a clamped line of another: clamp(a · x + b, low, high). Chains of Clip, Relu, Relu6, Min, Max, HardSigmoid, Add, Sub, Mul, Div, Neg with numbers all come down to one.</summary>
/// <param name="X">The other value.</param>
/// <param name="A">Slope.</param>
/// <param name="B">Offset.</param>
/// <param name="Low">Lower bound; may be infinite.</param>
/// <param name="High">Upper bound; may be infinite.</param>
/// <param name="Nodes">How many nodes lie between.</param>
internal sealed record ClampedLine(Value X, double A, double B, double Low, double High, int Nodes)
{
    private const int MaxNodes = 12;

    public bool IsClamped => !double.IsNegativeInfinity(Low) || !double.IsPositiveInfinity(High);

    /// <summary>Every reading of the value, the shortest first: itself, then a line of what its producer reads, and so on.</summary>
    public static IEnumerable<ClampedLine> Readings(Value value, TypeFacts types)
    {
        ClampedLine line = new(value, 1, 0, double.NegativeInfinity, double.PositiveInfinity, 0);
        yield return line;
        while (line.Nodes < MaxNodes && line.X.Producer is { } node && line.Through(node, types) is { } next)
            yield return line = next;
    }

    /// <summary>The line over what the node that makes X reads.</summary>
    private ClampedLine? Through(Node node, TypeFacts types)
    {
        if (Scalars.Line(node, types) is { } line)
            return OfLine(line.Input, line.A, line.B);
        if (node.Is("HardSigmoid") && node.Input(0) is { } input)
            return OfClamp(0, 1).OfLine(input, node.Float("alpha", 0.2f), node.Float("beta", 0.5f));
        return Scalars.Bounds(node, types) is { } bounds && bounds.Low <= bounds.High ? OfClamp(bounds.Low, bounds.High) with { X = bounds.Input, Nodes = Nodes + 1 } : null;
    }

    private ClampedLine OfLine(Value input, double a, double b) => this with { X = input, A = A * a, B = A * b + B, Nodes = Nodes + 1 };

    private ClampedLine OfClamp(double low, double high)
    {
        // A · clamp(u, low, high) + B has its own bounds, which the outer ones cut.
        (double first, double second) = A == 0 ? (B, B) : A > 0 ? (A * low + B, A * high + B) : (A * high + B, A * low + B);
        return this with { Low = Math.Clamp(first, Low, High), High = Math.Clamp(second, Low, High) };
    }
}
