using System.Collections.Immutable;
using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>The constant operand of an elementwise node, in double precision.</summary>
/// <param name="Values">Row-major.</param>
/// <param name="Shape">As the constant has it; aligned at the last dimension of what it is applied to.</param>
/// <param name="ByChannel">The values belong to dimension 1, whatever the rank (BatchNormalization); <paramref name="Shape"/> is then [C].</param>
internal sealed record Coefficients(double[] Values, ImmutableArray<long> Shape, bool ByChannel = false)
{
    public static Coefficients Of(Tensor tensor) => new(tensor.ToDoubles(), tensor.Shape);

    public static Coefficients Scalar(double value) => new([value], []);

    public static Coefficients Channels(double[] values) => new(values, [values.Length], ByChannel: true);

    public bool IsScalar => Values.Length == 1 && Shape.Length == 0;

    public Coefficients Map(Func<double, double> f) => this with { Values = Array.ConvertAll(Values, v => f(v)) };

    /// <summary>One value for each of <paramref name="count"/> indices of dimension <paramref name="axis"/>, when the values depend on nothing else and do not widen the shape.</summary>
    /// <param name="rank">Rank of what they are applied to; null when unknown.</param>
    /// <param name="axis">The dimension, counted from the end: -1 is the last.</param>
    /// <param name="count">Its size.</param>
    public double[]? Along(int? rank, int axis, long count)
    {
        if (ByChannel)
            return rank + axis == 1 && Values.Length == count ? Values : null;
        if (Shape.Length > 0 && !(Shape.Length <= rank) && !(Shape.Length <= -axis))
            return null; // it might add dimensions
        int place = Shape.Length + axis;
        if (Values.Length != 1 && (place < 0 || Shape[place] != count || Values.Length != count))
            return null;
        return Values.Length == count && count != 1 ? Values : [.. Enumerable.Repeat(Values[0], checked((int)count))];
    }
}
