using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using System.Text.RegularExpressions;
using Google.Protobuf;
using Tersor.Onnx;
using Tersor.Onnx.Protos;

namespace Tersor.Testing.FrontDoor;

/// <summary>Changes a file by its kind: a model through its objects, JSON and YAML by their meaning, arrays by their headers and elements, everything now and then by its bytes.</summary>
internal sealed partial class FileMutator(Draw draw)
{
    private const int BytesNowAndThen = 15, RefusedNowAndThen = 8, MostTries = 10;

    private readonly BytesMutator bytes = new(draw.Random);
    private readonly TextMutator text = new(draw);

    /// <summary>Changes a file in 1 to 3 places.</summary>
    /// <returns>What was done.</returns>
    public string Mutate(string path)
    {
        byte[] content = File.ReadAllBytes(path);
        List<string> done = [];
        for (int i = draw.Pick([1, 1, 1, 1, 2, 3]); i > 0; i--)
        {
            (content, string what) = Once(path, content);
            done.Add(what);
        }
        File.WriteAllBytes(path, content);
        return $"{Path.GetFileName(path)}: {string.Join("; ", done)}";
    }

    private (byte[] Content, string Done) Once(string path, byte[] content)
    {
        if (draw.OneIn(BytesNowAndThen))
            return (bytes.Mutate(content), "bytes");
        return Path.GetExtension(path) switch
        {
            ".onnx" => Model(content),
            ".json" => Text(content, text.Json),
            ".yaml" => Text(content, text.Yaml),
            ".txt" or ".tsv" => Text(content, text.Characters),
            ".npy" => Npy(content),
            ".npz" => Npz(content),
            ".idx" => Header(content, 0, 20),
            ".ckpt" => Archive(content),
            ".wav" => Header(content, 4, 44),
            _ => (bytes.Mutate(content), "bytes"),
        };
    }

    /// <summary>Mostly a change after which the model can still be read: what is refused at once is tried a thousand times as fast by <see cref="MutationFuzzer"/>.</summary>
    private (byte[], string) Model(byte[] content)
    {
        for (int tries = 0; ; tries++)
        {
            (byte[] changed, string done) = AnyModel(content);
            if (tries == MostTries || draw.OneIn(RefusedNowAndThen) || CanBeRead(changed))
                return (changed, done);
        }
    }

    private static bool CanBeRead(byte[] model)
    {
        try
        {
            Onnx.Model.Load(new MemoryStream(model));
            return true;
        }
        catch (OnnxException)
        {
            return false;
        }
    }

    private (byte[], string) AnyModel(byte[] content)
    {
        ModelProto model;
        try
        {
            model = ModelProto.Parser.ParseFrom(content);
        }
        catch (InvalidProtocolBufferException)
        {
            return (bytes.Mutate(content), "bytes");
        }
        model.Graph ??= new();
        string done = new ModelMutator(draw).Mutate(model);
        return (model.ToByteArray(), done);
    }

    private static (byte[], string) Text(byte[] content, Func<string, string> change) => (Encoding.UTF8.GetBytes(change(Encoding.UTF8.GetString(content))), "text");

    /// <summary>Numbers of a binary header: sizes, rates, counts.</summary>
    private (byte[], string) Header(byte[] content, int from, int to)
    {
        byte[] changed = [.. content];
        to = Math.Min(to, content.Length);
        if (to - from < 4)
            return (bytes.Mutate(content), "bytes");
        int at = from + draw.Below(to - from - 3);
        if (draw.OneIn(3))
            changed[at] = (byte)draw.Integer(changed[at]);
        else if (draw.OneIn(2))
            BinaryPrimitives.WriteInt32LittleEndian(changed.AsSpan(at), (int)draw.Integer());
        else
            BinaryPrimitives.WriteInt16BigEndian(changed.AsSpan(at), (short)draw.Integer());
        return (changed, $"header at {at}");
    }

    /// <summary>A checkpoint: a length, a header in JSON, numbers.</summary>
    private (byte[], string) Archive(byte[] content)
    {
        long length = content.Length < 8 ? -1 : BinaryPrimitives.ReadInt64LittleEndian(content);
        if (length < 0 || length > content.Length - 8 || draw.OneIn(3))
            return draw.OneIn(2) ? Header(content, 0, 12) : (bytes.Mutate(content), "bytes");
        byte[] header = Encoding.UTF8.GetBytes(text.Json(Encoding.UTF8.GetString(content, 8, (int)length))), claimed = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(claimed, header.Length);
        return ([.. claimed, .. header, .. content[(8 + (int)length)..]], "header");
    }

    private (byte[], string) Npy(byte[] content)
    {
        int start = content.Length < 10 ? 0 : 10 + BinaryPrimitives.ReadUInt16LittleEndian(content.AsSpan(8));
        if (start < 11 || start > content.Length)
            return (bytes.Mutate(content), "bytes");
        if (draw.OneIn(3) && content.Length - start >= 4)
        {
            byte[] changed = [.. content];
            BinaryPrimitives.WriteSingleLittleEndian(changed.AsSpan(start + draw.Below((content.Length - start) / 4) * 4), draw.Number());
            return (changed, "an element");
        }
        string header = Encoding.ASCII.GetString(content, 10, start - 10);
        Match[] words = [.. HeaderWords().Matches(header).Cast<Match>()];
        if (words.Length == 0)
            return (bytes.Mutate(content), "bytes");
        Match word = draw.Pick(words);
        string other = char.IsDigit(word.Value[0]) ? $"{draw.Integer()}"
            : draw.Pick(["<f4", ">f8", "<f2", "|u1", "<i8", "<U4", "|S3", "|O", "|b1", "<c8", "True", "False", "shape", "()", "<f3", "[('a', '<f4')]", "None", ""]);
        byte[] changedHeader = Encoding.ASCII.GetBytes(header[..word.Index] + other + header[(word.Index + word.Length)..]);
        int claimed = draw.OneIn(10) ? (int)draw.Integer() & 0xFFFF : changedHeader.Length;
        return ([.. content[..8], (byte)claimed, (byte)(claimed >> 8), .. changedHeader, .. content[start..]], $"header: {word.Value} is {other}");
    }

    private (byte[], string) Npz(byte[] content)
    {
        using MemoryStream source = new(content), target = new();
        string done = "entries";
        try
        {
            using ZipArchive from = new(source, ZipArchiveMode.Read);
            using ZipArchive to = new(target, ZipArchiveMode.Create);
            int victim = draw.Below(from.Entries.Count), what = draw.Below(8);
            foreach ((int i, ZipArchiveEntry entry) in from.Entries.Index())
            {
                using MemoryStream held = new();
                using (Stream stream = entry.Open())
                    stream.CopyTo(held);
                byte[] array = held.ToArray();
                string name = entry.FullName;
                if (i == victim)
                {
                    if (what == 0)
                        continue;
                    if (what == 1)
                        name = draw.OneIn(2) ? draw.Pick(["y.npy", "x", "label.npy", "../x.npy"]) : draw.Name() + ".npy";
                    else
                        (array, done) = Npy(array);
                    if (what == 2)
                        Write(to, name, array);
                }
                Write(to, name, array);
            }
        }
        catch (Exception e) when (e is InvalidDataException or ArgumentException)
        {
            return (bytes.Mutate(content), "bytes");
        }
        return (target.ToArray(), done);
    }

    private static void Write(ZipArchive archive, string name, byte[] content)
    {
        using Stream stream = archive.CreateEntry(name.Length == 0 ? "x" : name, CompressionLevel.NoCompression).Open();
        stream.Write(content);
    }

    [GeneratedRegex(@"\d+|(?<=')[^',:]+(?=')|True|False")]
    private static partial Regex HeaderWords();
}
