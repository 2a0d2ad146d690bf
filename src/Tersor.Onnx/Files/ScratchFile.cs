using Microsoft.Win32.SafeHandles;

namespace Tersor.Onnx.Files;

/// <summary>Holds bytes that are needed seldom, so that memory need not. It has no name, and is gone with the last who reads it, or with the process.</summary>
public sealed class ScratchFile
{
    /// <summary>Bytes that are moved at once.</summary>
    private const int Chunk = 1 << 20;

    private readonly SafeFileHandle handle;
    private readonly Lock writing = new();
    private long length;

    /// <summary>Makes one in the temporary folder.</summary>
    /// <exception cref="IOException">No file can be made there.</exception>
    public ScratchFile()
    {
        string root = Path.GetTempPath();
        try
        {
            string path = Path.Combine(root, Path.GetRandomFileName());
            handle = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Delete, FileOptions.DeleteOnClose);
            if (!OperatingSystem.IsWindows())
                File.Delete(path); // the handle keeps what it leads to
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw ScratchFolder.Unwritable(root, "file", e);
        }
    }

    /// <summary>Adds bytes of a stream at the end.</summary>
    /// <param name="source">Read from where it stands.</param>
    /// <param name="count">How many.</param>
    /// <returns>Where the first of them is.</returns>
    /// <exception cref="EndOfStreamException">The stream has fewer.</exception>
    /// <exception cref="IOException">The disk is full.</exception>
    public long Append(Stream source, long count)
    {
        byte[] chunk = new byte[Math.Min(Chunk, count)];
        lock (writing)
        {
            long start = length;
            for (long done = 0; done < count;)
            {
                Span<byte> part = chunk.AsSpan(0, (int)Math.Min(chunk.Length, count - done));
                source.ReadExactly(part);
                RandomAccess.Write(handle, part, start + done);
                done += part.Length;
            }
            length = start + count;
            return start;
        }
    }

    /// <summary>Reads bytes.</summary>
    /// <param name="at">Where they begin.</param>
    /// <param name="destination">Filled.</param>
    /// <exception cref="IOException">There are fewer.</exception>
    public void Read(long at, Span<byte> destination)
    {
        while (destination.Length > 0)
        {
            int read = RandomAccess.Read(handle, destination, at);
            if (read == 0)
                throw new IOException("A temporary file is shorter than it was.");
            destination = destination[read..];
            at += read;
        }
    }

    /// <summary>A tensor with the same elements whose bytes lie in the file.</summary>
    /// <exception cref="IOException">The disk is full.</exception>
    internal Tensor Keep(Tensor tensor)
    {
        lock (writing)
        {
            long start = length;
            tensor.CopyBytesTo(bytes =>
            {
                RandomAccess.Write(handle, bytes, length);
                length += bytes.Length;
            });
            return new(tensor.Type, tensor.Shape, new Storage(this, start, length - start));
        }
    }

    private sealed class Storage(ScratchFile file, long offset, long bytes) : FileStorage(offset, bytes)
    {
        protected override void ReadFile(long at, Span<byte> destination) => file.Read(at, destination);
    }
}
