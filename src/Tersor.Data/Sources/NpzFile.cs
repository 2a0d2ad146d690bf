using System.IO.Compression;
using Tersor.Onnx;

namespace Tersor.Data.Sources;

/// <summary>Reads .npz: a zip archive of .npy files.</summary>
internal static class NpzFile
{
    /// <summary>The arrays by name, without .npy; each is read whole when its first record is asked for.</summary>
    public static OrderedDictionary<string, ArrayFile> Open(string path) => Files.Read(path, file =>
    {
        OrderedDictionary<string, ArrayFile> arrays = [];
        using ZipArchive archive = ZipFile.OpenRead(file);
        foreach (ZipArchiveEntry entry in archive.Entries.Where(e => e.FullName.EndsWith(".npy", StringComparison.Ordinal)))
        {
            using Stream stream = entry.Open();
            (ElementType type, long[] shape, _) = NpyFile.ReadHeader(stream, $"{path}/{entry.FullName}", entry.Length);
            string name = entry.FullName;
            if (!arrays.TryAdd(name[..^4], new(type, shape, () => Load(path, name))))
                throw new DataException($"'{path}' holds '{name}' twice.");
        }
        return arrays.Count > 0 ? arrays : throw new DataException($"'{path}' holds no .npy array.");
    });

    private static byte[] Load(string path, string name) => Files.Read(path, file =>
    {
        using ZipArchive archive = ZipFile.OpenRead(file);
        ZipArchiveEntry entry = archive.GetEntry(name) ?? throw new DataException($"'{path}' no longer holds '{name}'.");
        using Stream stream = entry.Open();
        return NpyFile.ReadElements(stream, $"{path}/{name}", entry.Length);
    });
}
