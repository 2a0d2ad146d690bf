using Google.Protobuf;
using Tersor.Onnx.Protos;

namespace Tersor.Onnx.Reading;

/// <summary>Reads a file's metadata alone, passing over the rest without reading it.</summary>
internal static class MetadataReader
{
    private const int MaxEntry = 1 << 20, MaxEntries = 10_000;

    /// <summary>Keys and values; what comes before the place where the file is broken, if it is.</summary>
    public static Dictionary<string, string> Read(Stream stream)
    {
        Dictionary<string, string> entries = [];
        while (entries.Count < MaxEntries && Varint(stream) is { } tag)
        {
            switch (tag & 7)
            {
                case 0:
                    if (Varint(stream) is null)
                        return entries;
                    break;
                case 1:
                    stream.Seek(8, SeekOrigin.Current);
                    break;
                case 2 when Varint(stream) is { } length && length <= (ulong)Math.Max(0, stream.Length - stream.Position):
                    if (tag >> 3 != ModelProto.MetadataPropsFieldNumber || length > MaxEntry)
                        stream.Seek((long)length, SeekOrigin.Current);
                    else if (!TryAdd(stream, (int)length, entries))
                        return entries;
                    break;
                case 5:
                    stream.Seek(4, SeekOrigin.Current);
                    break;
                default:
                    return entries;
            }
        }
        return entries;
    }

    private static bool TryAdd(Stream stream, int length, Dictionary<string, string> entries)
    {
        byte[] bytes = new byte[length];
        if (stream.ReadAtLeast(bytes, length, throwOnEndOfStream: false) < length)
            return false;
        try
        {
            StringStringEntryProto entry = StringStringEntryProto.Parser.ParseFrom(bytes);
            entries[entry.Key] = entry.Value;
            return true;
        }
        catch (InvalidProtocolBufferException)
        {
            return false;
        }
    }

    private static ulong? Varint(Stream stream)
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            int next = stream.ReadByte();
            if (next < 0)
                return null;
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
                return value;
        }
        return null;
    }
}
