using System.Buffers.Binary;
using Tersor.Onnx;

namespace Tersor.Data.Sources;

/// <summary>An array of records of equal size, little-endian, read whole when the first record is asked for.</summary>
internal sealed class ArrayFile(ElementType type, long[] shape, Func<byte[]> load)
{
    private readonly Lazy<byte[]> bytes = new(load);

    public ElementType Type => type;

    public ReadOnlySpan<long> Shape => shape;

    public int Count => checked((int)shape[0]);

    /// <summary>Record i with a first dimension of 1. Shares memory with the file's.</summary>
    public Tensor Record(int index)
    {
        long[] one = [1, .. shape[1..]];
        int size = checked((int)type.ByteLength(Tensor.ElementCount(one)));
        return Tensor.FromBytes(type, one, bytes.Value.AsMemory(index * size, size));
    }

    /// <summary>Turns the bytes of every element of <paramref name="width"/> bytes around.</summary>
    public static void SwapBytes(Span<byte> data, int width)
    {
        for (int i = 0; i + width <= data.Length; i += width)
            data.Slice(i, width).Reverse();
    }

    public static int BigEndian(ReadOnlySpan<byte> data) => BinaryPrimitives.ReadInt32BigEndian(data);
}
