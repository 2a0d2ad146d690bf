using System.IO.Compression;
using Tersor.Onnx.Files;

namespace Tersor.Data.Sources;

/// <summary>Reads .npz: a zip archive of .npy files.</summary>
internal static class NpzFile
{
    // Deflate cannot shrink more than 1032 : 1, a few bytes apart; a directory that claims more lies.
    private const long MaxRatio = 1032, Slack = 1024;

    /// <summary>The arrays by name, without .npy; each is unpacked when its first record is asked for: into memory, or into a temporary file where the archive's arrays are large.</summary>
    public static OrderedDictionary<string, ArrayFile> Open(string path) => Files.Read(path, file =>
    {
        using ZipArchive archive = ZipFile.OpenRead(file);
        List<(string Name, NpyHeader Header)> found = [];
        foreach (ZipArchiveEntry entry in archive.Entries.Where(e => e.FullName.EndsWith(".npy", StringComparison.Ordinal)))
        {
            long packed = Math.Clamp(entry.CompressedLength, 0, new FileInfo(file).Length);
            using Stream stream = entry.Open();
            found.Add((entry.FullName, NpyFile.ReadHeader(stream, $"{path}/{entry.FullName}", Math.Min(entry.Length, packed * MaxRatio + Slack))));
        }
        Lazy<ScratchFile?> scratch = new(() => found.Sum(f => (double)f.Header.Bytes) > ArrayFile.MostInMemory ? new() : null);
        OrderedDictionary<string, ArrayFile> arrays = [];
        foreach ((string name, NpyHeader header) in found)
        {
            if (!arrays.TryAdd(name[..^4], new(header.Type, header.Shape, () => Load(path, name, header, scratch))))
                throw new DataException($"'{path}' holds '{name}' twice.");
        }
        return arrays.Count > 0 ? arrays : throw new DataException($"'{path}' holds no .npy array.");
    });

    private static ElementReader Load(string path, string name, NpyHeader header, Lazy<ScratchFile?> scratch) => Files.Read(path, file =>
    {
        using ZipArchive archive = ZipFile.OpenRead(file);
        ZipArchiveEntry entry = archive.GetEntry(name) ?? throw new DataException($"'{path}' no longer holds '{name}'.");
        using Stream stream = entry.Open();
        stream.ReadExactly(new byte[header.Start]);
        return NpyFile.Elements(stream, $"{path}/{name}", header, scratch.Value);
    });
}
