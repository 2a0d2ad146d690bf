namespace Tersor.Onnx;

/// <summary>Bytes in a file beside the model.</summary>
internal sealed class ExternalStorage(ExternalFile file, long offset, long length) : FileStorage(offset, length)
{
    public override bool IsExternal => true;

    /// <summary>The file the bytes are in.</summary>
    public ExternalFile File => file;

    protected override void ReadFile(long at, Span<byte> destination) => file.Read(at, destination);
}
