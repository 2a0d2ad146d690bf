using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace Tersor.Training.Checkpoints;

/// <summary>Named tensors and a few words in one file, in the safetensors format: a length, a JSON header, then the numbers.</summary>
/// <remarks>Source: github.com/huggingface/safetensors, README, "Format".</remarks>
internal static class TensorArchive
{
    private const int LargestHeader = 100_000_000;

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
        string temporary = path + ".part";
        try
        {
            using (FileStream file = File.Create(temporary))
            {
                Span<byte> length = stackalloc byte[8];
                BinaryPrimitives.WriteInt64LittleEndian(length, text.Length);
                file.Write(length);
                file.Write(text);
                foreach (Tensor tensor in tensors.Values)
                    file.Write(tensor.bytes);
                file.Flush(flushToDisk: true);
            }
            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>Reads a file.</summary>
    /// <exception cref="TrainingException">It is no such file, or not a whole one.</exception>
    public static (Dictionary<string, Tensor> Tensors, Dictionary<string, string> Words) Read(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        long length = file.Length < 8 ? -1 : BinaryPrimitives.ReadInt64LittleEndian(file);
        if (length is < 2 or > LargestHeader || length > file.Length - 8)
            throw Broken(path, "it has no header");
        try
        {
            JsonObject header = JsonNode.Parse(file.AsSpan(8, (int)length))!.AsObject();
            ReadOnlySpan<byte> numbers = file.AsSpan(8 + (int)length);
            Dictionary<string, Tensor> tensors = [];
            foreach ((string name, JsonNode? entry) in header.Where(e => e.Key != "__metadata__"))
            {
                long from = entry!["data_offsets"]![0]!.GetValue<long>(), to = entry["data_offsets"]![1]!.GetValue<long>();
                ScalarType type = Types.First(t => t.Name == entry["dtype"]!.GetValue<string>()).Type;
                Tensor tensor = empty([.. entry["shape"]!.AsArray().Select(d => d!.GetValue<long>())], type);
                numbers[checked((int)from)..checked((int)to)].CopyTo(tensor.bytes);
                tensors[name] = tensor.DetachFromDisposeScope();
            }
            return (tensors, (header["__metadata__"]?.AsObject() ?? []).ToDictionary(w => w.Key, w => w.Value!.GetValue<string>()));
        }
        catch (Exception e) when (e is JsonException or NullReferenceException or InvalidOperationException or ArgumentException or OverflowException or FormatException)
        {
            throw Broken(path, e.Message.Split('\n')[0]);
        }
    }

    private static TrainingException Broken(string path, string why) => new($"'{path}' is no checkpoint that training could go on from: {why}. Remove it to start anew.");
}
