using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Tersor.Onnx;
using Tersor.Onnx.Files;

namespace Tersor.Data.Sources;

/// <summary>Reads NumPy arrays: magic, version, a header in Python's notation, elements. Both byte orders, both memory orders.</summary>
/// <remarks>Source: NumPy Enhancement Proposal 1, "A Simple File Format for NumPy Arrays".</remarks>
internal static partial class NpyFile
{
    private const int MaxHeader = 1 << 16;

    /// <summary>As many as NumPy's arrays had until its version 2.</summary>
    private const int MaxRank = 32;

    /// <summary>Bytes of an array in Fortran order, which takes memory twice while it is turned around.</summary>
    private const long MaxFortran = 1 << 28;

    public static ArrayFile Open(string path)
    {
        NpyHeader header = Files.Read(path, p =>
        {
            using FileStream stream = File.OpenRead(p);
            return ReadHeader(stream, p, stream.Length);
        });
        return new(header.Type, header.Shape, () => header.IsFortran ? Files.Read(path, p =>
        {
            using FileStream stream = File.OpenRead(p);
            stream.Position = header.Start;
            return Elements(stream, p, header, null);
        }) : ArrayFile.InFile(path, header.Start, header.Bytes, header.SwapWidth));
    }

    /// <summary>Type, shape and layout; leaves the stream at the first element.</summary>
    /// <param name="stream">Stands at its beginning.</param>
    /// <param name="source">What it is, in words.</param>
    /// <param name="available">Bytes in it, at most.</param>
    public static NpyHeader ReadHeader(Stream stream, string source, long available)
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
        int before = 8 + width + header.Length;
        return Parse(Encoding.UTF8.GetString(header), source, before, available - before);
    }

    /// <summary>The elements of a stream that stands at the first of them.</summary>
    /// <param name="stream">Read to the last of them.</param>
    /// <param name="source">What it is, in words.</param>
    /// <param name="header">What it says of them.</param>
    /// <param name="scratch">Where they are put; null: into memory.</param>
    public static ElementReader Elements(Stream stream, string source, NpyHeader header, ScratchFile? scratch)
    {
        if (!header.IsFortran)
            return ArrayFile.InStream(stream, source, header.Bytes, header.SwapWidth, scratch);
        if (header.Bytes > MaxFortran)
            throw new DataException($"'{source}' holds {header.Bytes} bytes in Fortran order; expected at most {MaxFortran}. Save it with numpy.ascontiguousarray.");
        byte[] turned = ToRowMajor(ArrayFile.InStream(stream, source, header.Bytes, header.SwapWidth, null)(0, (int)header.Bytes).Span, header.Shape, header.Type.Bits() / 8);
        return (at, count) => turned.AsMemory((int)at, count);
    }

    private static NpyHeader Parse(string header, string source, int start, long available)
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
        string[] sizes = match.Groups["shape"].Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        long[] shape = [.. sizes.Select(s => long.TryParse(s.EndsWith('L') ? s[..^1] : s, NumberStyles.None, CultureInfo.InvariantCulture, out long size) ? size : -1)];
        if (ArrayFile.Bytes(type, shape, available) is not { } bytes)
            throw new DataException($"'{source}' claims the shape [{string.Join(',', sizes)}] of {type}: more than the {available} bytes it holds, or than can be read.");
        if (shape.Length is 0 or > MaxRank || shape[0] == 0)
            throw new DataException($"'{source}' has the shape [{string.Join(',', shape)}]; expected 1..{MaxRank} dimensions, the first of which counts samples.");
        int swap = descr[0] != '>' ? 1 : type is ElementType.Complex64 or ElementType.Complex128 ? type.Bits() / 16 : type.Bits() / 8;
        return new(type, shape, swap, match.Groups["fortran"].Value == "True", start, bytes);
    }

    private static byte[] ToRowMajor(ReadOnlySpan<byte> source, long[] shape, int width)
    {
        byte[] result = new byte[source.Length];
        long[] position = new long[shape.Length];
        for (int to = 0; to < result.Length; to += width)
        {
            long from = 0;
            for (int d = shape.Length - 1; d >= 0; d--)
                from = from * shape[d] + position[d];
            source.Slice((int)from * width, width).CopyTo(result.AsSpan(to));
            for (int d = shape.Length - 1; d >= 0 && ++position[d] == shape[d]; d--)
                position[d] = 0;
        }
        return result;
    }

    [GeneratedRegex(@"^\{(?=.*'descr':\s*'(?<descr>[<>|=][a-z]\d+)')(?=.*'fortran_order':\s*(?<fortran>True|False))(?=.*'shape':\s*\((?<shape>[\d,\sL]{0,400})\))", RegexOptions.Singleline)]
    private static partial Regex Header();
}
