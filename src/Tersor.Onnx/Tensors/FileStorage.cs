using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tersor.Onnx;

/// <summary>Bytes in a file. Read when asked for; what was read is kept only as long as memory allows.</summary>
/// <remarks>Reads instead of mapping: a file that shrinks under a mapping kills the process, a short read is an error with a name.</remarks>
internal abstract class FileStorage(long offset, long length) : TensorStorage
{
    private readonly WeakReference<Array> loaded = new(Array.Empty<byte>());

    public override long ByteLength => length;

    public override void Read(long offsetInTensor, Span<byte> destination) => ReadFile(offset + offsetInTensor, destination);

    public override ReadOnlySpan<T> Span<T>()
    {
        if (loaded.TryGetTarget(out Array? array) && array is T[] cached && cached.LongLength == length / Unsafe.SizeOf<T>())
            return cached;
        T[] elements = GC.AllocateUninitializedArray<T>(checked((int)(length / Unsafe.SizeOf<T>())));
        int part = (1 << 26) / Unsafe.SizeOf<T>(); // a byte span over everything could exceed 2^31
        for (int first = 0; first < elements.Length; first += part)
        {
            Span<T> piece = elements.AsSpan(first, Math.Min(part, elements.Length - first));
            ReadFile(offset + (long)first * Unsafe.SizeOf<T>(), MemoryMarshal.AsBytes(piece));
        }
        loaded.SetTarget(elements);
        return elements;
    }

    /// <summary>Fills <paramref name="destination"/> with the file's bytes from <paramref name="at"/> on.</summary>
    protected abstract void ReadFile(long at, Span<byte> destination);
}
