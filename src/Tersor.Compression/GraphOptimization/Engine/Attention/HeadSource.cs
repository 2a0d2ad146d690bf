using Tersor.Onnx;

namespace Tersor.Compression.GraphOptimization;

/// <summary>Where heads come from: a [B, S, F] value whose features from <paramref name="Offset"/> on are head after head.</summary>
/// <param name="Value">The value.</param>
/// <param name="Offset">First feature of the first head.</param>
/// <param name="Features">F.</param>
/// <param name="Scale">What the heads were multiplied with on the way.</param>
internal sealed record HeadSource(Value Value, long Offset, long Features, double Scale)
{
    private const int MaxSteps = 10;

    /// <summary>Sizes to try where a dimension is open: what holds for both is not made for one.</summary>
    private static readonly (long Batch, long Length)[] Trials = [(2, 3), (3, 5)];

    /// <summary>The source of a [B, heads, S, size] value, or [B, heads, size, S] when <paramref name="transposed"/>; null when it has none.</summary>
    public static HeadSource? Of(Value heads, bool transposed, TypeFacts types)
    {
        if (types.Shape(heads) is not { Length: 4 } shape || shape[1].Size is not { } count || shape[transposed ? 2 : 3].Size is not { } size)
            return null;
        double scale = 1;
        List<Value> path = [];
        Value value = heads;
        for (int step = 0; step < MaxSteps; step++)
        {
            if (types.Shape(value) is { Length: 3 } source && Find(path, source, count, size, transposed, types) is { } offset)
                return new(value, offset, source[2].Size!.Value, scale);
            if (value.Producer is not { } node || !ReferenceEquals(node.Graph, heads.Graph))
                return null;
            if (Scalars.Line(node, types) is { B: 0 } line)
            {
                (scale, value) = (scale * line.A, line.Input);
            }
            else if (ElementPath.IsStep(node) && node.Input(0) is { } input)
            {
                path.Insert(0, value);
                value = input;
            }
            else
            {
                return null;
            }
        }
        return null;
    }

    private static long? Find(List<Value> path, Dimension[] source, long count, long size, bool transposed, TypeFacts types)
    {
        if (source[2].Size is not { } features || features < count * size)
            return null;
        long? found = null;
        foreach ((long batch, long length) in source.All(d => d.Size is not null) ? Trials[..1] : Trials)
        {
            (long b, long s) = (source[0].Size ?? batch, source[1].Size ?? length);
            if (ElementPath.Send(path, [b, s, features], types) is not { } sent || !sent.Shape.AsSpan().SequenceEqual(transposed ? [b, count, size, s] : [b, count, s, size]))
                return null;
            if (Heads(sent.Elements, (int)b, (int)s, (int)features, (int)count, (int)size, transposed) is not { } offset || (found is not null && found != offset))
                return null;
            found = offset;
        }
        return found;
    }

    /// <summary>The offset of the first head, when every element stands where heads in order would have it.</summary>
    private static long? Heads(int[] elements, int batch, int length, int features, int count, int size, bool transposed)
    {
        int offset = elements[0], place = 0;
        if (offset + count * size > features)
            return null;
        for (int b = 0; b < batch; b++)
        {
            for (int h = 0; h < count; h++)
            {
                for (int i = 0; i < size * length; i++)
                {
                    (int s, int d) = transposed ? (i % length, i / length) : (i / size, i % size);
                    if (elements[place++] != (b * length + s) * features + offset + h * size + d)
                        return null;
                }
            }
        }
        return offset;
    }
}
