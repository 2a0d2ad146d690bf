using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tersor.Onnx;

/// <summary>Where a tensor's bytes are. Immutable; safe to read from several threads.</summary>
internal abstract class TensorStorage
{
    public abstract long ByteLength { get; }

    /// <summary>True while the bytes lie in a file beside the model.</summary>
    public virtual bool IsExternal => false;

    /// <summary>Fills <paramref name="destination"/> with the bytes from <paramref name="offset"/> on.</summary>
    public abstract void Read(long offset, Span<byte> destination);

    /// <summary>All bytes as elements of <typeparamref name="T"/>. May load them; may exceed 2 GB only in bytes, never in elements.</summary>
    public abstract ReadOnlySpan<T> Span<T>() where T : unmanaged;

    /// <summary>All bytes as memory; at most 2 GB.</summary>
    public virtual ReadOnlyMemory<byte> Memory() => Span<byte>().ToArray();
}

/// <summary>Bytes in memory, as they came out of a model file. At most 2 GB.</summary>
internal sealed class MemoryStorage(ReadOnlyMemory<byte> bytes) : TensorStorage
{
    public override long ByteLength => bytes.Length;

    public override void Read(long offset, Span<byte> destination) => bytes.Span.Slice(checked((int)offset), destination.Length).CopyTo(destination);

    public override ReadOnlySpan<T> Span<T>() => MemoryMarshal.Cast<byte, T>(bytes.Span);

    public override ReadOnlyMemory<byte> Memory() => bytes;
}

/// <summary>Elements in memory, as a pass computed them. Up to 2^31 elements, whatever they measure in bytes.</summary>
internal sealed class ArrayStorage<TElement>(TElement[] elements) : TensorStorage where TElement : unmanaged
{
    public override long ByteLength => (long)elements.Length * Unsafe.SizeOf<TElement>();

    public override void Read(long offset, Span<byte> destination)
    {
        // In whole elements around the wished bytes, because a byte span over all of them could exceed 2^31.
        int size = Unsafe.SizeOf<TElement>();
        int first = (int)(offset / size), skip = (int)(offset % size);
        int count = (skip + destination.Length + size - 1) / size;
        MemoryMarshal.AsBytes(elements.AsSpan(first, count)).Slice(skip, destination.Length).CopyTo(destination);
    }

    public override ReadOnlySpan<T> Span<T>() => typeof(T) == typeof(TElement)
        ? MemoryMarshal.CreateReadOnlySpan(ref Unsafe.As<TElement, T>(ref MemoryMarshal.GetArrayDataReference(elements)), elements.Length)
        : MemoryMarshal.Cast<TElement, T>(elements.AsSpan());

    public override ReadOnlyMemory<byte> Memory() => typeof(TElement) == typeof(byte) ? (byte[])(object)elements : new BytesOf<TElement>(elements).Memory;
}

/// <summary>An array seen as bytes, without a copy.</summary>
internal sealed class BytesOf<TElement>(TElement[] elements) : MemoryManager<byte> where TElement : unmanaged
{
    public override Span<byte> GetSpan() => MemoryMarshal.AsBytes(elements.AsSpan());

    public override MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException();

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
    }
}
