namespace Tersor.Onnx.Inference;

/// <summary>Arithmetic on dimensions that may be unknown.</summary>
internal static class Dims
{
    public static Dimension Unknown => default;

    public static Dimension[] Of(int rank) => new Dimension[rank];

    public static bool Same(Dimension a, Dimension b) => a.Size is { } size ? size == b.Size : a.Symbol is { } symbol && symbol == b.Symbol;

    public static Dimension Join(Dimension a, Dimension b) => Same(a, b) ? a : Unknown;

    /// <summary>What holds of either shape.</summary>
    public static Dimension[]? Join(Dimension[]? a, Dimension[]? b) => a is null || b is null || a.Length != b.Length ? null : [.. a.Zip(b, Join)];

    public static Dimension Add(Dimension a, Dimension b) => b.Size == 0 ? a : a.Size == 0 ? b : a.Size is { } x && b.Size is { } y ? checked(x + y) : Unknown;

    public static Dimension Sub(Dimension a, Dimension b) => b.Size == 0 ? a : a.Size is { } x && b.Size is { } y ? checked(x - y) : Unknown;

    public static Dimension Mul(Dimension a, Dimension b) => b.Size == 1 ? a : a.Size == 1 ? b : a.Size is { } x && b.Size is { } y ? checked(x * y) : Unknown;

    /// <summary>Division that rounds towards zero, as on integer tensors.</summary>
    public static Dimension Div(Dimension a, Dimension b) => b.Size == 1 ? a : a.Size is { } x && b.Size is { } y && y != 0 ? x / y : Unknown;

    public static Dimension Product(IEnumerable<Dimension> dims)
    {
        Dimension[] all = [.. dims];
        return all.Any(d => d.Size == 0) ? 0 : all.Aggregate((Dimension)1, Mul);
    }

    public static Dimension[]? Broadcast(Dimension[]? a, Dimension[]? b)
    {
        if (a is null || b is null)
            return null;
        Dimension[] result = new Dimension[Math.Max(a.Length, b.Length)];
        for (int i = 0; i < result.Length; i++)
        {
            Dimension x = At(a, i), y = At(b, i);
            result[i] = x.Size == 1 ? y : y.Size == 1 || Same(x, y) ? x
                : x.Size is not null && y.Size is null ? x
                : y.Size is not null && x.Size is null ? y
                : Unknown;
        }
        return result;

        Dimension At(Dimension[] shape, int i) => i < result.Length - shape.Length ? 1 : shape[i - (result.Length - shape.Length)];
    }

    public static int Axis(long axis, int rank)
    {
        long index = axis < 0 ? axis + rank : axis;
        return index >= 0 && index < rank ? (int)index : throw new ArgumentOutOfRangeException(nameof(axis));
    }

    public static long CeilDiv(long a, long b) => a >= 0 ? (a + b - 1) / b : -(-a / b);

    public static long FloorDiv(long a, long b) => a >= 0 ? a / b : -((-a + b - 1) / b);
}
