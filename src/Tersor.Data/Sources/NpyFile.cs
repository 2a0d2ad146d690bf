using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Tersor.Onnx;

namespace Tersor.Data.Sources;

/// <summary>Reads NumPy arrays: magic, version, a header in Python's notation, elements. Both byte orders, both memory orders.</summary>
/// <remarks>Source: NumPy Enhancement Proposal 1, "A Simple File Format for NumPy Arrays".</remarks>
internal static partial class NpyFile
{
    private const int MaxHeader = 1 << 16;

    public static ArrayFile Open(string path)
    {
        (ElementType type, long[] shape, _) = Files.Read(path, p =>
        {
            using FileStream stream = File.OpenRead(p);
            return ReadHeader(stream, p, stream.Length);
        });
        return new(type, shape, () => Files.Read(path, p =>
        {
            using FileStream stream = File.OpenRead(p);
            return ReadElements(stream, p, stream.Length);
        }));
    }

    /// <summary>Type, shape and layout; leaves the stream at the first element.</summary>
    public static (ElementType Type, long[] Shape, Layout Layout) ReadHeader(Stream stream, string source, long available)
    {
        byte[] start = new byte[12];
        stream.ReadExactly(start, 0, 8);
        if (start[0] != 0x93 || !start.AsSpan(1, 5).SequenceEqual("NUMPY"u8))
            throw new DataException($"'{source}' is no .npy array: it does not start with \\x93NUMPY.");
        int width = start[6] == 1 ? 2 : 4;
        if (start[6] is < 1 or > 3)
            throw new DataException($"'{source}' has .npy version {start[6]}; expected 1, 2 or 3.");
        stream.ReadExactly(start, 8, width);
        uint length = width == 2 ? BinaryPrimitives.ReadUInt16LittleEndian(start.AsSpan(8)) : BinaryPrimitives.ReadUInt32LittleEndian(start.AsSpan(8));
        if (length > MaxHeader)
            throw new DataException($"'{source}' has a header of {length} bytes; expected at most {MaxHeader}.");
        byte[] header = new byte[length];
        stream.ReadExactly(header);
        return Parse(Encoding.UTF8.GetString(header), source, available);
    }

    public static byte[] ReadElements(Stream stream, string source, long available)
    {
        (ElementType type, long[] shape, Layout layout) = ReadHeader(stream, source, available);
        byte[] data = new byte[checked((int)type.ByteLength(Tensor.ElementCount(shape)))];
        int read = stream.ReadAtLeast(data, data.Length, throwOnEndOfStream: false);
        if (read < data.Length)
            throw new DataException($"'{source}' ends after {Plural.Of(read, "byte")} of elements; its header says {data.Length}.");
        if (layout.BigEndian)
            ArrayFile.SwapBytes(data, layout.SwapWidth);
        return layout.Fortran ? ToRowMajor(data, shape, type.Bits() / 8) : data;
    }

    private static (ElementType, long[], Layout) Parse(string header, string source, long available)
    {
        Match match = Header().Match(header);
        if (!match.Success)
            throw new DataException($"'{source}' has the header '{header.Trim()}'; expected descr, fortran_order and shape of a plain array (no records, no objects).");
        string descr = match.Groups["descr"].Value;
        ElementType type = descr[1..] switch
        {
            "f4" => ElementType.Float32,
            "f8" => ElementType.Float64,
            "f2" => ElementType.Float16,
            "b1" => ElementType.Bool,
            "u1" => ElementType.UInt8,
            "i1" => ElementType.Int8,
            "u2" => ElementType.UInt16,
            "i2" => ElementType.Int16,
            "u4" => ElementType.UInt32,
            "i4" => ElementType.Int32,
            "u8" => ElementType.UInt64,
            "i8" => ElementType.Int64,
            "c8" => ElementType.Complex64,
            "c16" => ElementType.Complex128,
            _ => throw new DataException($"'{source}' holds elements of type '{descr}'; expected f2, f4, f8, b1, i1..i8, u1..u8, c8 or c16. Convert it with astype before saving."),
        };
        long[] shape = [.. match.Groups["shape"].Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(s => long.Parse(s.TrimEnd('L'), NumberStyles.None))];
        Int128 bytes = type.Bits() / 8;
        foreach (long size in shape)
        {
            bytes *= size;
            if (bytes > Array.MaxLength || bytes > available)
                throw new DataException($"'{source}' claims the shape [{string.Join(',', shape)}] of {type}: more than the {available} bytes it holds.");
        }
        if (shape.Length == 0 || shape[0] == 0)
            throw new DataException($"'{source}' has the shape [{string.Join(',', shape)}]; expected a first dimension that counts samples.");
        int swap = type is ElementType.Complex64 or ElementType.Complex128 ? type.Bits() / 16 : type.Bits() / 8;
        return (type, shape, new(descr[0] == '>', swap, match.Groups["fortran"].Value == "True"));
    }

    private static byte[] ToRowMajor(byte[] source, long[] shape, int width)
    {
        byte[] result = new byte[source.Length];
        long[] position = new long[shape.Length];
        for (int to = 0; to < result.Length; to += width)
        {
            long from = 0;
            for (int d = shape.Length - 1; d >= 0; d--)
                from = from * shape[d] + position[d];
            source.AsSpan((int)from * width, width).CopyTo(result.AsSpan(to));
            for (int d = shape.Length - 1; d >= 0 && ++position[d] == shape[d]; d--)
                position[d] = 0;
        }
        return result;
    }

    [GeneratedRegex(@"^\{(?=.*'descr':\s*'(?<descr>[<>|=][a-z]\d+)')(?=.*'fortran_order':\s*(?<fortran>True|False))(?=.*'shape':\s*\((?<shape>[\d,\sL]{0,400})\))", RegexOptions.Singleline)]
    private static partial Regex Header();

    /// <summary>How the elements lie in the file.</summary>
    public readonly record struct Layout(bool BigEndian, int SwapWidth, bool Fortran);
}
