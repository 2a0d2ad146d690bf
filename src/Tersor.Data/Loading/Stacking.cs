using Tersor.Data.Sources;
using Tersor.Onnx;

namespace Tersor.Data.Loading;

/// <summary>Joins tensors along the first dimension; smaller ones are padded to the largest.</summary>
internal static class Stacking
{
    /// <exception cref="DataException">Types or ranks differ, or tensors without dimensions hold different values.</exception>
    public static Tensor Stack(IReadOnlyList<Tensor> tensors, float pad, string name)
    {
        Tensor first = tensors[0];
        if (tensors.FirstOrDefault(t => t.Type != first.Type || t.Rank != first.Rank) is { } other)
            throw new DataException($"'{name}' is {first} in one sample and {other} in another of the same batch; expected one type and rank. Use batches of 1.");
        if (first.Rank == 0)
        {
            return tensors.All(first.ContentEquals)
                ? first
                : throw new DataException($"'{name}' has no dimensions and differs between samples of a batch. Use batches of 1.");
        }
        if (tensors.Count == 1)
            return first;
        long[] shape = [.. Enumerable.Range(0, first.Rank).Select(axis => axis == 0 ? tensors.Sum(t => t.Shape[0]) : tensors.Max(t => t.Shape[axis]))];
        if (first.Type == ElementType.String || first.Type.Bits() < 8)
        {
            return first.Type == ElementType.String && tensors.All(t => t.Shape.AsSpan()[1..].SequenceEqual(first.Shape.AsSpan()[1..]))
                ? Tensor.FromStrings(shape, tensors.SelectMany(t => t.Strings))
                : throw new DataException($"'{name}' is {first}: only equal shapes of byte-sized types are stacked. Use batches of 1.");
        }
        int width = first.Type.Bits() / 8;
        if (ArrayFile.Bytes(first.Type, shape, Array.MaxLength) is not { } length)
            throw new DataException($"'{name}' of a batch would be [{string.Join(',', shape)}] of {first.Type}: more than fits into one tensor. Use smaller batches.");
        byte[] bytes = new byte[length];
        if (pad != 0 && tensors.Any(t => !t.Shape.AsSpan()[1..].SequenceEqual(shape.AsSpan(1))))
            Fill(bytes, Numbers.ToTensor(first.Type, [1], [pad]).Bytes);
        int offset = 0, slab = (int)(bytes.Length / Math.Max(shape[0], 1));
        foreach (Tensor tensor in tensors)
        {
            Copy(tensor, tensor.Bytes, bytes.AsSpan(offset), shape, width);
            offset += slab * (int)tensor.Shape[0];
        }
        return Tensor.FromBytes(first.Type, shape, bytes);
    }

    // Row by row along the last dimension: the longest run that is contiguous in both.
    private static void Copy(Tensor tensor, ReadOnlySpan<byte> source, Span<byte> target, long[] shape, int width)
    {
        if (tensor.Length == 0)
            return;
        int rank = tensor.Rank, row = (rank == 1 ? 1 : (int)tensor.Shape[^1]) * width;
        long[] position = new long[rank];
        for (int from = 0; from < source.Length; from += row)
        {
            long to = 0;
            for (int d = 0; d < rank; d++)
                to = to * (d == 0 ? 1 : shape[d]) + position[d];
            source.Slice(from, row).CopyTo(target[((int)to * width)..]);
            for (int d = rank == 1 ? 0 : rank - 2; d >= 0 && ++position[d] == tensor.Shape[d] && d > 0; d--)
                position[d] = 0;
        }
    }

    private static void Fill(Span<byte> target, ReadOnlySpan<byte> element)
    {
        for (int i = 0; i < target.Length; i += element.Length)
            element.CopyTo(target[i..]);
    }
}
