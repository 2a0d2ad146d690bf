using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Nodes;
using Tersor.Onnx.Files;
using static TorchSharp.torch;

namespace Tersor.Training.Checkpoints;

/// <summary>Named tensors and a few words in one file, in the safetensors format: a length, a JSON header, then the numbers.</summary>
/// <remarks>Source: github.com/huggingface/safetensors, README, "Format".</remarks>
internal static class TensorArchive
{
    private const int LargestHeader = 100_000_000;

    /// <summary>Bytes that are moved at once.</summary>
    private const int Chunk = 64 << 20;

    private static readonly (string Name, ScalarType Type)[] Types =
        [("F32", ScalarType.Float32), ("F64", ScalarType.Float64), ("I64", ScalarType.Int64), ("I32", ScalarType.Int32), ("U8", ScalarType.Byte), ("BOOL", ScalarType.Bool)];

    /// <summary>Writes a file as a whole: it appears under its name when it is complete, and stays what it was when that fails.</summary>
    public static void Write(string path, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string> words)
    {
        JsonObject header = new() { ["__metadata__"] = new JsonObject(words.Select(w => KeyValuePair.Create<string, JsonNode?>(w.Key, w.Value))) };
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

    /// <summary>Reads a file.</summary>
    /// <exception cref="TrainingException">It is no such file, or not a whole one.</exception>
    public static (Dictionary<string, Tensor> Tensors, Dictionary<string, string> Words) Read(string path)
    {
        using FileStream file = File.OpenRead(path);
        Span<byte> first = stackalloc byte[8];
        long length = file.ReadAtLeast(first, 8, throwOnEndOfStream: false) < 8 ? -1 : BinaryPrimitives.ReadInt64LittleEndian(first);
        if (length is < 2 or > LargestHeader || length > file.Length - 8)
            throw Broken(path, "it has no header");
        try
        {
            byte[] text = new byte[length];
            file.ReadExactly(text);
            JsonObject header = JsonNode.Parse(text)!.AsObject();
            Dictionary<string, Tensor> tensors = [];
            foreach ((string name, JsonNode? entry) in header.Where(e => e.Key != "__metadata__"))
            {
                long from = entry!["data_offsets"]![0]!.GetValue<long>(), to = entry["data_offsets"]![1]!.GetValue<long>();
                ScalarType type = Types.First(t => t.Name == entry["dtype"]!.GetValue<string>()).Type;
                if (from < 0 || to < from || to > file.Length - 8 - length)
                    throw new FormatException($"'{name}' ends beyond the file");
                Tensor tensor = empty([.. entry["shape"]!.AsArray().Select(d => d!.GetValue<long>())], type);
                if (tensor.numel() * tensor.element_size() != to - from)
                    throw new FormatException($"'{name}' has other bytes than its shape says");
                file.Position = 8 + length + from;
                Read(file, tensor);
                tensors[name] = tensor.DetachFromDisposeScope();
            }
            return (tensors, (header["__metadata__"]?.AsObject() ?? []).ToDictionary(w => w.Key, w => w.Value!.GetValue<string>()));
        }
        catch (Exception e) when (e is JsonException or NullReferenceException or InvalidOperationException or ArgumentException or OverflowException or FormatException or EndOfStreamException)
        {
            throw Broken(path, e.Message.Split('\n')[0]);
        }
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

    private static TrainingException Broken(string path, string why) => new($"'{path}' is no checkpoint that training could go on from: {why}. Remove it to start anew.");
}
