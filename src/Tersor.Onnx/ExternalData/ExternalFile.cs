using Microsoft.Win32.SafeHandles;
using Tersor.Onnx.Files;

namespace Tersor.Onnx;

/// <summary>A file of tensor data beside a model, opened once it has passed the checks an untrusted path needs.</summary>
internal sealed class ExternalFile
{
    private readonly Lazy<SafeFileHandle> handle;
    private readonly string location;

    private ExternalFile(string location, string path, long length)
    {
        (this.location, Path, Length) = (location, path, length);
        handle = new(() => File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
    }

    /// <summary>Full path.</summary>
    public string Path { get; }

    /// <summary>Bytes in the file when it was checked.</summary>
    public long Length { get; }

    /// <summary>Finds <paramref name="location"/> in the model's folder.</summary>
    /// <exception cref="OnnxException">The path leaves the folder, runs over a link, or is not a regular file.</exception>
    public static ExternalFile Find(string modelFolder, string location, bool trustLinks)
    {
        string normal = location.Replace('\\', '/');
        if (normal.Length == 0 || location.Contains('\0'))
            throw new OnnxException("External data has an empty or invalid location; expected a file name relative to the model's folder.");
        if (System.IO.Path.IsPathRooted(normal) || normal is [(>= 'a' and <= 'z') or (>= 'A' and <= 'Z'), ':', ..] || (OperatingSystem.IsWindows() && normal.Contains(':')))
            throw new OnnxException($"External data location '{location}' is absolute; expected a path relative to the model's folder.");
        string[] parts = normal.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (parts.Contains(".."))
            throw new OnnxException($"External data location '{location}' leaves the model's folder; '..' is not allowed.");

        string path = modelFolder;
        for (int i = 0; i < parts.Length; i++)
        {
            path = System.IO.Path.Combine(path, parts[i]);
            bool last = i == parts.Length - 1;
            FileKind kind = FileKind.Of(path);
            if (kind.IsLink && !trustLinks)
                throw new OnnxException($"External data '{location}' runs over a symbolic link ('{parts[i]}'). If you trust this folder, allow it with --trust-links.");
            if (kind.IsLink)
                kind = FileKind.Of(File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path);
            if (!kind.Exists)
                throw new OnnxException($"External data file '{location}' does not exist beside the model (looked for {path}).");
            if (last ? !kind.IsRegularFile : !kind.IsFolder)
                throw new OnnxException($"External data '{location}' is not a regular file.");
            if (last && kind.Links > 1 && !trustLinks)
                throw new OnnxException($"External data '{location}' is a hard link shared with another file. If you trust this folder, allow it with --trust-links.");
        }
        return new(location, path, new FileInfo(path) is { LinkTarget: not null } link ? ((FileInfo)link.ResolveLinkTarget(true)!).Length : new FileInfo(path).Length);
    }

    /// <summary>Opens the file now rather than at the first read.</summary>
    public void Open() => _ = handle.Value;

    public void Read(long offset, Span<byte> destination)
    {
        try
        {
            while (destination.Length > 0)
            {
                int read = RandomAccess.Read(handle.Value, destination, offset);
                if (read == 0)
                    throw new OnnxException($"External data file '{location}' ended at byte {offset}; it had {Plural.Of(Length, "byte")} when the model was opened.");
                destination = destination[read..];
                offset += read;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OnnxException($"External data file '{location}' cannot be read: {e.Message}", e);
        }
    }
}
