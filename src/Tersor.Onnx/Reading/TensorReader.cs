using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using Tersor.Onnx.Protos;

namespace Tersor.Onnx.Reading;

/// <summary>TensorProto → <see cref="Tensor"/>: whatever field the elements stand in, and external data.</summary>
/// <param name="folder">The model's folder, or null where there is none.</param>
/// <param name="options">How to treat external data.</param>
internal sealed class TensorReader(string? folder, ReadOptions options)
{
    private readonly Dictionary<string, ExternalFile> files = new(StringComparer.Ordinal);

    public Tensor Read(TensorProto proto, string where)
    {
        ElementType type = (ElementType)proto.DataType;
        if (!type.IsDefined())
            throw new OnnxException($"{where} has data type {proto.DataType}; expected one ONNX defines (1..{(int)ElementType.Int2}).");
        if (proto.Segment is not null)
            throw new OnnxException($"{where} is stored in segments, which no known tool writes or reads.");
        ImmutableArray<long> shape = [.. proto.Dims];
        try
        {
            long length = Tensor.ElementCount(shape.AsSpan());
            if (type == ElementType.String)
                return Strings(proto, shape, length, where);
            long bytes = type.ByteLength(length);
            return proto.DataLocation == TensorProto.Types.DataLocation.External
                ? new(type, shape, External(proto, bytes, where))
                : new(type, shape, new MemoryStorage(Inline(proto, type, length, bytes, where)));
        }
        catch (Exception e) when (e is ArgumentException or OverflowException)
        {
            throw new OnnxException($"{where} ({type}) is impossible: {e.Message}", e);
        }
    }

    public SparseTensor Read(SparseTensorProto proto, string where)
    {
        if (proto.Values is null || proto.Indices is null)
            throw new OnnxException($"{where} is a sparse tensor without values or indices.");
        Tensor indices = Read(proto.Indices, $"The indices of {where}");
        if (indices.Type != ElementType.Int64)
            throw new OnnxException($"{where} is a sparse tensor with {indices.Type} indices; expected Int64.");
        SparseTensor sparse = new(Read(proto.Values, $"The values of {where}"), indices, [.. proto.Dims]);
        try
        {
            sparse.Check();
        }
        catch (Exception e) when (e is ArgumentException or OnnxException)
        {
            throw new OnnxException($"{where} is impossible: {e.Message}", e);
        }
        return sparse;
    }

    private static Tensor Strings(TensorProto proto, ImmutableArray<long> shape, long length, string where)
    {
        if (proto.StringData.Count != length)
            throw new OnnxException($"{where} holds {proto.StringData.Count} strings; its shape [{string.Join(',', shape)}] takes {length}.");
        return Tensor.FromStrings(shape.AsSpan(), proto.StringData.Select(s => s.Memory));
    }

    private TensorStorage External(TensorProto proto, long bytes, string where)
    {
        string? location = null;
        long offset = 0, length = bytes;
        foreach (StringStringEntryProto entry in proto.ExternalData)
        {
            if (entry.Key == "location")
                location = entry.Value;
            else if (entry.Key == "offset")
                offset = Number(entry);
            else if (entry.Key == "length")
                length = Number(entry);
        }
        if (location is null)
            throw new OnnxException($"{where} is stored externally, but no location is given.");
        if (length != bytes)
            throw new OnnxException($"{where} [{string.Join(',', proto.Dims)}] takes {Plural.Of(bytes, "byte")}, but its external data is said to have {length}.");
        if (folder is null)
            throw new OnnxException($"{where} is stored in '{location}' beside the model; a model read from a stream cannot have external data.");
        if (options.SkipExternalData)
            return new MissingStorage(location, bytes);
        if (!files.TryGetValue(location, out ExternalFile? file))
        {
            files[location] = file = ExternalFile.Find(folder, location, options.TrustLinks);
            if (files.Count <= 64) // a file that is replaced or deleted later stays readable while it is open; hundreds stay closed until asked for
                file.Open();
        }
        if (offset > file.Length - length)
            throw new OnnxException($"{where} lies at bytes {offset}..{(Int128)offset + length} of '{location}', which has only {file.Length}.");
        return new ExternalStorage(file, offset, length);

        long Number(StringStringEntryProto entry) =>
            long.TryParse(entry.Value, NumberStyles.None, CultureInfo.InvariantCulture, out long value) ? value
            : throw new OnnxException($"{where} has external data with {entry.Key} '{entry.Value}'; expected a number, 0 or more.");
    }

    private static ReadOnlyMemory<byte> Inline(TensorProto proto, ElementType type, long length, long bytes, string where)
    {
        if (proto.HasRawData)
        {
            if (proto.RawData.Length != bytes)
                throw Mismatch(proto.RawData.Length, "bytes", bytes);
            return BitConverter.IsLittleEndian ? proto.RawData.Memory : throw new PlatformNotSupportedException("Tersor needs a little-endian machine.");
        }
        switch (type)
        {
            case ElementType.Float32 or ElementType.Complex64:
                return Copy<float>(proto.FloatData, bytes / 4);
            case ElementType.Float64 or ElementType.Complex128:
                return Copy<double>(proto.DoubleData, bytes / 8);
            case ElementType.Int64:
                return Copy<long>(proto.Int64Data, length);
            case ElementType.UInt64:
                return Copy<ulong>(proto.Uint64Data, length);
            case ElementType.UInt32:
                Expect(proto.Uint64Data.Count, length);
                return Narrow(proto.Uint64Data, bytes, static (v, target) => BitConverter.TryWriteBytes(target, (uint)v), 4);
            case ElementType.Int32:
                return Copy<int>(proto.Int32Data, length);
            default: // every other type stands in int32_data: one 16-bit element, or one byte (one, two or four elements), in each
                int width = type.Bits() == 16 ? 2 : 1, high = width == 2 ? ushort.MaxValue : byte.MaxValue;
                int low = type is ElementType.UInt8 or ElementType.UInt16 or ElementType.Bool ? 0 : -high / 2 - 1;
                foreach (int value in proto.Int32Data)
                {
                    if (value < low || value > high)
                        throw new OnnxException($"{where} ({type}) holds the element {value}; expected {low}..{high}.");
                }
                Expect(proto.Int32Data.Count, bytes / width);
                return width == 2
                    ? Narrow(proto.Int32Data, bytes, static (v, target) => BitConverter.TryWriteBytes(target, (ushort)v), 2)
                    : Narrow(proto.Int32Data, bytes, static (v, target) => target[0] = (byte)v, 1);
        }

        byte[] Copy<T>(IList<T> source, long count) where T : unmanaged
        {
            Expect(source.Count, count);
            byte[] result = new byte[bytes];
            Span<T> values = MemoryMarshal.Cast<byte, T>(result.AsSpan());
            for (int i = 0; i < values.Length; i++)
                values[i] = source[i];
            return result;
        }

        void Expect(int found, long expected)
        {
            if (found != expected)
                throw Mismatch(found, "elements", expected);
        }

        OnnxException Mismatch(long found, string unit, long expected) =>
            new($"{where} holds {found} {unit}; its shape [{string.Join(',', proto.Dims)}] of {type} takes {expected}.");
    }

    private delegate void WriteElement<T>(T value, Span<byte> target);

    private static byte[] Narrow<T>(IList<T> source, long bytes, WriteElement<T> write, int width)
    {
        byte[] result = new byte[bytes];
        for (int i = 0; i < source.Count; i++)
            write(source[i], result.AsSpan(i * width, width));
        return result;
    }

    /// <summary>External data that was not opened, because only sizes are asked for.</summary>
    private sealed class MissingStorage(string location, long length) : TensorStorage
    {
        public override long ByteLength => length;

        public override bool IsExternal => true;

        public override void Read(long offset, Span<byte> destination) => throw NotOpened();

        public override ReadOnlySpan<T> Span<T>() => throw NotOpened();

        private InvalidOperationException NotOpened() => new($"The model was read with {nameof(ReadOptions.SkipExternalData)}; '{location}' is not open.");
    }
}
