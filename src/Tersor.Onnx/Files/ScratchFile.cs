using Microsoft.Win32.SafeHandles;

namespace Tersor.Onnx.Files;

/// <summary>Holds bytes that are needed seldom, so that memory need not. It has no name, and is gone with the last tensor that lies in it, or with the process.</summary>
internal sealed class ScratchFile
{
    private readonly SafeFileHandle handle;
    private long length;

    /// <exception cref="IOException">No file can be made in the temporary folder.</exception>
    public ScratchFile()
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        handle = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Delete, FileOptions.DeleteOnClose);
        if (!OperatingSystem.IsWindows())
            File.Delete(path); // the handle keeps what it leads to
    }

    /// <summary>A tensor with the same elements whose bytes lie in the file.</summary>
    /// <exception cref="IOException">The disk is full.</exception>
    public Tensor Keep(Tensor tensor)
    {
        long start = length;
        tensor.CopyBytesTo(bytes =>
        {
            RandomAccess.Write(handle, bytes, length);
            length += bytes.Length;
        });
        return new(tensor.Type, tensor.Shape, new Storage(handle, start, length - start));
    }

    private sealed class Storage(SafeFileHandle handle, long offset, long bytes) : FileStorage(offset, bytes)
    {
        protected override void ReadFile(long at, Span<byte> destination)
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
    }
}
