using System.Buffers.Binary;
using System.IO.Compression;
using Tersor.Onnx;

namespace Tersor.Data.Sources;

/// <summary>Reads IDX files: 0, 0, type, rank, big-endian sizes, big-endian elements; gzipped or not.</summary>
/// <remarks>Source: Y. LeCun, C. Cortes, C. Burges, The MNIST database, "File formats".</remarks>
internal static class IdxFile
{
    // Deflate cannot shrink more than 1032 : 1; a header that claims more lies.
    private const long MaxRatio = 1032;

    public static ArrayFile Open(string path) => Files.Read(path, Header);

    private static ArrayFile Header(string path)
    {
        using Stream stream = Decompressed(path);
        byte[] start = new byte[4];
        if (stream.ReadAtLeast(start, 4, throwOnEndOfStream: false) < 4 || start[0] != 0 || start[1] != 0)
            throw new DataException($"File '{path}' is no IDX file: it does not start with two zero bytes, a type and a rank.");
        ElementType type = start[2] switch
        {
            0x08 => ElementType.UInt8,
            0x09 => ElementType.Int8,
            0x0B => ElementType.Int16,
            0x0C => ElementType.Int32,
            0x0D => ElementType.Float32,
            0x0E => ElementType.Float64,
            _ => throw new DataException($"File '{path}' has IDX type 0x{start[2]:x2}; expected 08, 09, 0b, 0c, 0d or 0e."),
        };
        int rank = start[3];
        if (rank is < 1 or > 8)
            throw new DataException($"File '{path}' has {rank} dimensions; expected 1..8.");
        byte[] sizes = new byte[rank * 4];
        if (stream.ReadAtLeast(sizes, sizes.Length, throwOnEndOfStream: false) < sizes.Length)
            throw new DataException($"File '{path}' ends within its header.");
        long[] shape = [.. Enumerable.Range(0, rank).Select(i => (long)BinaryPrimitives.ReadInt32BigEndian(sizes.AsSpan(i * 4)))];
        long bytes = ByteLength(path, type, shape);
        int header = 4 + sizes.Length, width = type.Bits() / 8;
        return new(type, shape, () => Files.Read(path, p => IsGzip(p) ? Unpacked(p, header, bytes, width) : ArrayFile.InFile(p, header, bytes, width)));
    }

    private static long ByteLength(string path, ElementType type, long[] shape)
    {
        long available = new FileInfo(path).Length * (IsGzip(path) ? MaxRatio : 1);
        if (shape.Any(s => s < 1))
            throw new DataException($"File '{path}' has the shape [{string.Join(',', shape)}]; expected positive sizes.");
        return ArrayFile.Bytes(type, shape, available)
            ?? throw new DataException($"File '{path}' claims the shape [{string.Join(',', shape)}] of {type}: more than it holds, or than can be read.");
    }

    private static ElementReader Unpacked(string path, int header, long length, int width)
    {
        using Stream stream = Decompressed(path);
        stream.ReadExactly(new byte[header]);
        return ArrayFile.InStream(stream, path, length, width, length > ArrayFile.MostInMemory ? new() : null);
    }

    private static Stream Decompressed(string path) => IsGzip(path) ? new GZipStream(File.OpenRead(path), CompressionMode.Decompress) : File.OpenRead(path);

    private static bool IsGzip(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return stream.ReadByte() == 0x1f && stream.ReadByte() == 0x8b;
    }
}
