using System.Collections.Immutable;

namespace Tersor.Onnx;

/// <summary>A sparse constant in coordinate form, as sparse initializers and attributes store it.</summary>
/// <param name="Values">The elements that are not zero, shape [n]; its name in the file is the value's name.</param>
/// <param name="Indices">Int64: linear indices [n], or coordinates [n, rank].</param>
/// <param name="Shape">Shape of the dense tensor it stands for.</param>
public sealed record SparseTensor(Tensor Values, Tensor Indices, ImmutableArray<long> Shape)
{
    /// <summary>The dense tensor.</summary>
    /// <param name="maxBytes">Refuse beyond this size: a small file can claim a huge shape.</param>
    /// <exception cref="OnnxException">The dense form exceeds <paramref name="maxBytes"/>, or an index lies outside.</exception>
    public Tensor ToDense(long maxBytes = 1L << 30)
    {
        long length = Tensor.ElementCount(Shape.AsSpan());
        int width = Values.Type.Bits() / 8;
        if (width == 0)
            throw new OnnxException($"A sparse tensor of {Values.Type} cannot be made dense; elements of whole bytes are supported.");
        if (length > maxBytes / width)
            throw new OnnxException($"A sparse tensor [{string.Join(',', Shape)}] of {Values.Type} takes {(Int128)length * width} bytes when dense; at most {maxBytes} are allowed.");
        byte[] dense = new byte[length * width];
        ReadOnlySpan<byte> values = Values.Bytes;
        ReadOnlySpan<long> indices = Indices.Span<long>();
        int coordinates = Check();
        for (int i = 0; i < Values.Length; i++)
        {
            long index = 0;
            for (int axis = 0; axis < coordinates; axis++)
            {
                long coordinate = indices[i * coordinates + axis], size = Indices.Rank == 2 ? Shape[axis] : length;
                if (coordinate < 0 || coordinate >= size)
                    throw new OnnxException($"A sparse tensor [{string.Join(',', Shape)}] has an index of {coordinate}; expected 0..{size - 1}.");
                index = index * size + coordinate;
            }
            values.Slice(i * width, width).CopyTo(dense.AsSpan((int)index * width));
        }
        return Tensor.FromBytes(Values.Type, Shape.AsSpan(), dense);
    }

    /// <summary>Whether the parts fit together, indices themselves excepted. Gives the number of coordinates an index has.</summary>
    /// <exception cref="OnnxException">They do not.</exception>
    internal int Check()
    {
        int coordinates = Indices.Rank == 2 ? Shape.Length : 1;
        if (Values.Rank != 1 || Indices.Rank is not (1 or 2) || Indices.Type != ElementType.Int64)
            throw new OnnxException($"A sparse tensor has values {Values} and indices {Indices}; expected values [n] and indices Int64 [n] or [n, rank].");
        if (Indices.Shape[0] != Values.Length || Indices.Length != (Int128)Values.Length * coordinates)
            throw new OnnxException($"A sparse tensor [{string.Join(',', Shape)}] has {Plural.Of(Values.Length, "value")} and indices {Indices}; expected one index for each value.");
        if (Tensor.ElementCount(Shape.AsSpan()) < Values.Length)
            throw new OnnxException($"A sparse tensor [{string.Join(',', Shape)}] has {Plural.Of(Values.Length, "value")}, more than its shape takes.");
        return coordinates;
    }
}
