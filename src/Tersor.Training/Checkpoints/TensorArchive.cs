using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Tersor.Onnx.Files;
using static TorchSharp.torch;

namespace Tersor.Training.Checkpoints;

/// <summary>Named tensors and a few words in one file, in the safetensors format: a length, a JSON header, then the numbers, without gaps.</summary>
/// <remarks>Source: github.com/huggingface/safetensors, README, "Format".</remarks>
internal static class TensorArchive
{
    private const int LargestHeader = 100_000_000;

    /// <summary>Levels of the header: the object, a tensor, its shape; and dimensions of a tensor.</summary>
    private const int MostLevels = 4, MostDimensions = 16;

    /// <summary>Bytes that are moved at once.</summary>
    private const int Chunk = 64 << 20;

    private const string Metadata = "__metadata__";

    private static readonly (string Name, ScalarType Type, int Size)[] Types =
        [("F32", ScalarType.Float32, 4), ("F64", ScalarType.Float64, 8), ("I64", ScalarType.Int64, 8), ("I32", ScalarType.Int32, 4), ("U8", ScalarType.Byte, 1), ("BOOL", ScalarType.Bool, 1)];

    /// <summary>Writes a file as a whole: it appears under its name when it is complete, and stays what it was when that fails.</summary>
    public static void Write(string path, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string> words)
    {
        JsonObject header = new() { [Metadata] = new JsonObject(words.Select(w => KeyValuePair.Create<string, JsonNode?>(w.Key, w.Value))) };
        long offset = 0;
        foreach ((string name, Tensor tensor) in tensors)
        {
            long bytes = tensor.numel() * tensor.element_size();
            header[name] = new JsonObject
            {
                ["dtype"] = Types.First(t => t.Type == tensor.dtype).Name,
                ["shape"] = new JsonArray([.. tensor.shape.Select(d => (JsonNode)d)]),
                ["data_offsets"] = new JsonArray(offset, offset + bytes),
            };
            offset += bytes;
        }
        byte[] text = JsonSerializer.SerializeToUtf8Bytes(header);
        OutputFile.Write(path, file =>
        {
            Span<byte> length = stackalloc byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(length, text.Length);
            file.Write(length);
            file.Write(text);
            foreach (Tensor tensor in tensors.Values)
                Write(file, tensor);
        });
    }

    /// <summary>Reads a file. What it says of its tensors is compared with its size before any of them is made.</summary>
    /// <exception cref="TrainingException">It is no such file, or not a whole one.</exception>
    public static (Dictionary<string, Tensor> Tensors, Dictionary<string, string> Words) Read(string path)
    {
        Dictionary<string, Tensor> tensors = [];
        try
        {
            using FileStream file = InputFile.Open(path);
            byte[] text = Header(file);
            using JsonDocument header = JsonDocument.Parse(text, new() { MaxDepth = MostLevels });
            Entry[] entries = [.. header.RootElement.EnumerateObject().Where(e => e.Name != Metadata).Select(Entry.Of).OrderBy(e => e.From).ThenBy(e => e.To)];
            Require(entries, file.Length - file.Position);
            Dictionary<string, string> words = !header.RootElement.TryGetProperty(Metadata, out JsonElement metadata) ? []
                : metadata.EnumerateObject().ToDictionary(w => w.Name, w => w.Value.GetString() ?? throw new FormatException($"'{w.Name}' in its metadata is no text"));
            foreach (Entry entry in entries)
            {
                Tensor tensor = empty(entry.Shape, entry.Type).DetachFromDisposeScope();
                tensors.Add(entry.Name, tensor);
                Read(file, tensor);
            }
            return (tensors, words);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException or ArithmeticException or FormatException or KeyNotFoundException or EndOfStreamException or ExternalException)
        {
            foreach (Tensor tensor in tensors.Values)
                tensor.Dispose();
            throw new TrainingException($"'{path}' is no checkpoint that training could go on from: {e.Message.Split('\n')[0].TrimEnd('.', '\r')}. Remove it to start anew.");
        }
    }

    /// <summary>The header's text; leaves the file at the first number.</summary>
    private static byte[] Header(FileStream file)
    {
        Span<byte> first = stackalloc byte[8];
        long length = file.ReadAtLeast(first, 8, throwOnEndOfStream: false) < 8 ? -1 : BinaryPrimitives.ReadInt64LittleEndian(first);
        if (length is < 2 or > LargestHeader || length > file.Length - 8)
            throw new FormatException("it has no header");
        byte[] text = new byte[length];
        file.ReadExactly(text);
        return text;
    }

    /// <summary>Refuses tensors that overlap, leave gaps, or do not end where the file does.</summary>
    private static void Require(IReadOnlyList<Entry> entries, long bytes)
    {
        long end = 0;
        foreach (Entry entry in entries)
        {
            if (entry.From != end || entry.To > bytes)
                throw new FormatException($"'{entry.Name}' lies at {entry.From} to {entry.To}; expected from {end}, and {bytes} at most");
            end = entry.To;
        }
        if (end != bytes)
            throw new FormatException($"its tensors take {end} bytes, and it has {bytes}");
    }

    private static void Write(Stream file, Tensor tensor)
    {
        using Tensor flat = tensor.contiguous().reshape(-1);
        long chunk = Chunk / tensor.element_size();
        for (long start = 0; start < flat.numel(); start += chunk)
        {
            using Tensor part = flat.narrow(0, start, Math.Min(chunk, flat.numel() - start));
            file.Write(part.bytes);
        }
    }

    /// <summary>Fills a tensor, however many gigabytes it has.</summary>
    private static void Read(Stream file, Tensor tensor)
    {
        using Tensor flat = tensor.reshape(-1);
        long size = tensor.element_size(), chunk = Chunk / size;
        for (long start = 0; start < flat.numel(); start += chunk)
        {
            using Tensor part = flat.narrow(0, start, Math.Min(chunk, flat.numel() - start));
            file.ReadExactly(part.bytes);
        }
    }

    /// <summary>What the header says of one tensor: as many bytes as its shape has.</summary>
    private sealed record Entry(string Name, ScalarType Type, long[] Shape, long From, long To)
    {
        /// <exception cref="FormatException">It contradicts itself.</exception>
        public static Entry Of(JsonProperty property)
        {
            string name = property.Name, word = Required("dtype").GetString() ?? "";
            if (Types.FirstOrDefault(t => t.Name == word) is not { Name: not null, Size: var size, Type: var type })
                throw new FormatException($"'{name}' has elements of type '{word}'");
            JsonElement sizes = Required("shape"), offsets = Required("data_offsets");
            if (sizes.GetArrayLength() > MostDimensions || offsets.GetArrayLength() != 2)
                throw new FormatException($"'{name}' has more than {MostDimensions} dimensions, or no two offsets");
            long[] shape = [.. sizes.EnumerateArray().Select(Integer)];
            long from = Integer(offsets[0]), to = Integer(offsets[1]);
            Int128 bytes = size; // of a tensor without empty dimensions: strides must not overflow either
            foreach (long dimension in shape)
            {
                bytes *= Math.Max(dimension, 1);
                if (dimension < 0 || bytes > long.MaxValue)
                    throw new FormatException($"'{name}' has the shape [{string.Join(", ", shape)}]");
            }
            if (from < 0 || to < from || to - from != (shape.Contains(0) ? 0 : bytes))
                throw new FormatException($"'{name}' of shape [{string.Join(", ", shape)}] lies at {from} to {to}");
            return new(name, type, shape, from, to);

            long Integer(JsonElement number) => number.TryGetInt64(out long value) ? value : throw new FormatException($"'{name}' has a size or place of {number}");

            JsonElement Required(string key) => property.Value.TryGetProperty(key, out JsonElement value) ? value : throw new FormatException($"'{name}' has no {key}");
        }
    }
}
