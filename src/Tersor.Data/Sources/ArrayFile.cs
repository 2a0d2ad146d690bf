using Microsoft.Win32.SafeHandles;
using Tersor.Onnx;
using Tersor.Onnx.Files;

namespace Tersor.Data.Sources;

/// <summary>Gives elements of an array, little-endian and row-major.</summary>
/// <param name="at">Byte at which they begin.</param>
/// <param name="count">How many bytes.</param>
internal delegate ReadOnlyMemory<byte> ElementReader(long at, int count);

/// <summary>An array of records of equal size. One of few bytes is read whole when the first record is asked for; of a larger one, memory holds the records that are in use.</summary>
internal sealed class ArrayFile(ElementType type, long[] shape, Func<ElementReader> open)
{
    /// <summary>Bytes up to which arrays are held in memory.</summary>
    public const long MostInMemory = 1 << 26;

    private readonly Lazy<ElementReader> elements = new(open);

    public ElementType Type => type;

    public ReadOnlySpan<long> Shape => shape;

    public int Count => (int)shape[0];

    /// <summary>Bytes of the elements of an array; null where a size is negative, where they are more than <paramref name="available"/>, or where records are more, or larger, than can be read.</summary>
    public static long? Bytes(ElementType type, ReadOnlySpan<long> shape, long available)
    {
        bool isEmpty = shape.Contains(0);
        Int128 bytes = type.Bits() / 8;
        foreach (long size in shape)
        {
            bytes *= Math.Max(size, 1); // what sizes of 0 hide must not overflow elsewhere
            if (size < 0 || bytes > (isEmpty ? Array.MaxLength : available))
                return null;
        }
        if (isEmpty)
            return 0;
        return shape.Length == 0 || (shape[0] <= int.MaxValue && bytes / shape[0] <= Array.MaxLength) ? (long)bytes : null;
    }

    /// <summary>Elements that lie in a file as they are.</summary>
    /// <param name="path">The file.</param>
    /// <param name="start">Byte at which they begin.</param>
    /// <param name="length">How many bytes they take.</param>
    /// <param name="swapWidth">Bytes that are turned around at a time; 1: none.</param>
    public static ElementReader InFile(string path, long start, long length, int swapWidth)
    {
        if (length > MostInMemory)
            return Read;
        ReadOnlyMemory<byte> whole = Read(0, (int)length);
        return (at, count) => whole.Slice((int)at, count);

        ReadOnlyMemory<byte> Read(long at, int count) => Files.Read(path, p =>
        {
            byte[] bytes = new byte[count];
            using SafeFileHandle handle = File.OpenHandle(p);
            for (int done = 0; done < count;)
            {
                int read = RandomAccess.Read(handle, bytes.AsSpan(done), start + at + done);
                if (read == 0)
                    throw new DataException($"'{path}' ends after {Plural.Of(at + done, "byte")} of elements; its header says {length}.");
                done += read;
            }
            SwapBytes(bytes, swapWidth);
            return (ReadOnlyMemory<byte>)bytes;
        });
    }

    /// <summary>Elements that come out of a stream once, one after the other.</summary>
    /// <param name="stream">Stands at the first of them.</param>
    /// <param name="source">What it is, in words.</param>
    /// <param name="length">How many bytes they take.</param>
    /// <param name="swapWidth">Bytes that are turned around at a time; 1: none.</param>
    /// <param name="scratch">Where they are put; null: into memory.</param>
    public static ElementReader InStream(Stream stream, string source, long length, int swapWidth, ScratchFile? scratch)
    {
        try
        {
            if (scratch is not null)
            {
                long start = scratch.Append(stream, length);
                return (at, count) => FromScratch(scratch, start + at, count, swapWidth);
            }
            byte[] whole = new byte[length];
            stream.ReadExactly(whole);
            SwapBytes(whole, swapWidth);
            return (at, count) => whole.AsMemory((int)at, count);
        }
        catch (EndOfStreamException e)
        {
            throw new DataException($"'{source}' ends before its last element; its header says they take {Plural.Of(length, "byte")}.", e);
        }
    }

    /// <summary>Record i with a first dimension of 1.</summary>
    public Tensor Record(int index)
    {
        long[] one = [1, .. shape[1..]];
        int size = (int)type.ByteLength(Tensor.ElementCount(one));
        return Tensor.FromBytes(type, one, elements.Value((long)index * size, size));
    }

    /// <summary>Turns the bytes of every element of <paramref name="width"/> bytes around.</summary>
    public static void SwapBytes(Span<byte> data, int width)
    {
        for (int i = 0; width > 1 && i + width <= data.Length; i += width)
            data.Slice(i, width).Reverse();
    }

    private static ReadOnlyMemory<byte> FromScratch(ScratchFile scratch, long at, int count, int swapWidth)
    {
        byte[] bytes = new byte[count];
        scratch.Read(at, bytes);
        SwapBytes(bytes, swapWidth);
        return bytes;
    }
}
