using System.Collections.Immutable;
using System.Diagnostics;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;

namespace Tersor.Onnx;

/// <summary>An immutable n-dimensional array, row-major, of any ONNX element type. Shared freely between models and threads.</summary>
/// <remarks>Bytes of external data are read when first asked for, and again if memory pressure let go of them.</remarks>
[DebuggerDisplay("{ToString(),nq}")]
public sealed class Tensor
{
    private readonly TensorStorage storage;
    private readonly ImmutableArray<ReadOnlyMemory<byte>> strings = [];

    internal Tensor(ElementType type, ImmutableArray<long> shape, TensorStorage storage)
    {
        (Type, Shape, this.storage) = (type, shape, storage);
        Length = ElementCount(shape.AsSpan());
        if (type.Bits() == 0)
            throw new ArgumentException($"{type} has no elements of a fixed width.");
        long expected = type.ByteLength(Length);
        if (storage.ByteLength != expected)
            throw new ArgumentException($"{type} [{string.Join(',', shape)}] takes {Plural.Of(expected, "byte")}; {storage.ByteLength} given.");
    }

    private Tensor(ImmutableArray<long> shape, ImmutableArray<ReadOnlyMemory<byte>> strings)
    {
        (Type, Shape, this.strings, storage) = (ElementType.String, shape, strings, new MemoryStorage(default));
        Length = ElementCount(shape.AsSpan());
        if (strings.Length != Length)
            throw new ArgumentException($"String [{string.Join(',', shape)}] takes {Length} strings; {strings.Length} given.");
    }

    /// <summary>What the elements are.</summary>
    public ElementType Type { get; }

    /// <summary>Size of every dimension, outermost first; empty for a scalar. None is negative.</summary>
    public ImmutableArray<long> Shape { get; }

    /// <summary>Number of dimensions.</summary>
    public int Rank => Shape.Length;

    /// <summary>Number of elements: the product of <see cref="Shape"/>, 1 for a scalar.</summary>
    public long Length { get; }

    /// <summary>Bytes the elements take, sub-byte types packed; for strings, the sum of their bytes.</summary>
    public long ByteLength => Type == ElementType.String ? strings.Sum(s => (long)s.Length) : storage.ByteLength;

    /// <summary>True while the bytes lie in a file beside the model rather than in memory.</summary>
    public bool IsExternal => storage.IsExternal;

    /// <summary>True where the bytes are in memory, false where they are in a file, whether beside the model or a temporary one.</summary>
    internal bool IsInMemory => storage is not FileStorage && !storage.IsExternal;

    /// <summary>The elements as bytes, little-endian, sub-byte types packed. At most 2 GB; beyond, use <see cref="Read"/>.</summary>
    /// <exception cref="InvalidOperationException">More than 2^31 - 1 bytes, or a string tensor.</exception>
    public ReadOnlySpan<byte> Bytes => storage.ByteLength <= int.MaxValue && Type != ElementType.String
        ? storage.Span<byte>()
        : throw new InvalidOperationException($"{this} has no byte span; read it in parts.");

    /// <summary>The elements of a string tensor, as bytes.</summary>
    /// <exception cref="InvalidOperationException">Not a string tensor.</exception>
    public ImmutableArray<ReadOnlyMemory<byte>> Strings => Type == ElementType.String ? strings : throw new InvalidOperationException($"{this} is not a string tensor.");

    /// <summary>Takes over <paramref name="values"/> as the elements: the caller must not write to the array afterwards.</summary>
    /// <exception cref="ArgumentException">The shape's product is not the number of values.</exception>
    public static Tensor Create<T>(ReadOnlySpan<long> shape, T[] values) where T : unmanaged =>
        new(ElementTypes.Of<T>(), [.. shape], new ArrayStorage<T>(values));

    /// <summary>A one-dimensional tensor of <paramref name="values"/>, which it takes over.</summary>
    public static Tensor Vector<T>(params T[] values) where T : unmanaged => Create([values.Length], values);

    /// <summary>A tensor without dimensions.</summary>
    public static Tensor Scalar<T>(T value) where T : unmanaged => Create([], [value]);

    /// <summary>A tensor of any non-string type from its bytes (little-endian, sub-byte types packed), which must not change afterwards.</summary>
    /// <exception cref="ArgumentException">The shape and type take another number of bytes.</exception>
    public static Tensor FromBytes(ElementType type, ReadOnlySpan<long> shape, ReadOnlyMemory<byte> bytes) =>
        new(type, [.. shape], new MemoryStorage(bytes));

    /// <summary>A string tensor from byte strings.</summary>
    public static Tensor FromStrings(ReadOnlySpan<long> shape, IEnumerable<ReadOnlyMemory<byte>> values) => new([.. shape], [.. values]);

    /// <summary>A string tensor, stored as UTF-8.</summary>
    public static Tensor FromStrings(ReadOnlySpan<long> shape, IEnumerable<string> values) =>
        FromStrings(shape, values.Select(v => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(v)));

    /// <summary>A packed 4-bit or 2-bit tensor from one integer an element.</summary>
    /// <exception cref="ArgumentException">Not a packed integer type, or a value it cannot hold.</exception>
    public static Tensor FromPacked(ElementType type, ReadOnlySpan<long> shape, ReadOnlySpan<int> values) =>
        FromBytes(type, shape, PackedIntegers.Pack(type, values));

    /// <summary>The elements, without conversion. <typeparamref name="T"/> must be the type this tensor is stored as.</summary>
    /// <exception cref="InvalidOperationException"><typeparamref name="T"/> is another type, or there are more than 2^31 - 1 elements.</exception>
    public ReadOnlySpan<T> Span<T>() where T : unmanaged
    {
        if (ElementTypes.Of<T>() != Type)
            throw new InvalidOperationException($"{this} is not stored as {typeof(T).Name}.");
        if (Length > int.MaxValue)
            throw new InvalidOperationException($"{this} has more than 2^31 - 1 elements; read it in parts.");
        return storage.Span<T>();
    }

    /// <summary>Fills <paramref name="destination"/> with bytes from <paramref name="offset"/> on; works at any size.</summary>
    public void Read(long offset, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, storage.ByteLength - destination.Length);
        storage.Read(offset, destination);
    }

    /// <summary>The elements converted to single precision; from double, half, bfloat16, integers (packed ones too) and bool.</summary>
    /// <exception cref="InvalidOperationException">A string, complex or 8-bit float type.</exception>
    public float[] ToFloats() => Type switch
    {
        ElementType.Float32 => Span<float>().ToArray(),
        ElementType.BFloat16 => Convert<BFloat16, float>(v => (float)v),
        ElementType.Float16 => Convert<Half, float>(v => (float)v),
        ElementType.Float64 => Convert<double, float>(v => (float)v),
        ElementType.UInt64 => Convert<ulong, float>(v => v),
        _ => Array.ConvertAll(ToInt64s(), v => (float)v),
    };

    /// <summary>The elements converted to double precision, from the same types as <see cref="ToFloats"/>.</summary>
    /// <exception cref="InvalidOperationException">A string, complex or 8-bit float type.</exception>
    public double[] ToDoubles() => Type switch
    {
        ElementType.Float64 => Span<double>().ToArray(),
        ElementType.UInt64 => Convert<ulong, double>(v => v),
        _ when Type.IsFloat() => Array.ConvertAll(ToFloats(), v => (double)v),
        _ => Array.ConvertAll(ToInt64s(), v => (double)v),
    };

    /// <summary>The elements of an integer or bool tensor, packed types included.</summary>
    /// <exception cref="InvalidOperationException">Not an integer type.</exception>
    /// <exception cref="OverflowException">An unsigned 64-bit element exceeds 2^63 - 1.</exception>
    public long[] ToInt64s() => Type switch
    {
        ElementType.Int64 => Span<long>().ToArray(),
        ElementType.Int32 => Convert<int, long>(v => v),
        ElementType.UInt8 => Convert<byte, long>(v => v),
        ElementType.Int8 => Convert<sbyte, long>(v => v),
        ElementType.UInt16 => Convert<ushort, long>(v => v),
        ElementType.Int16 => Convert<short, long>(v => v),
        ElementType.UInt32 => Convert<uint, long>(v => v),
        ElementType.UInt64 => Convert<ulong, long>(v => checked((long)v)),
        ElementType.Bool => Convert<bool, long>(v => v ? 1 : 0),
        ElementType.Int4 or ElementType.UInt4 or ElementType.Int2 or ElementType.UInt2 => PackedIntegers.Unpack(Type, Bytes, checked((int)Length)),
        _ => throw new InvalidOperationException($"{this} does not hold integers or other supported numbers."),
    };

    /// <summary>The same elements under another shape.</summary>
    /// <exception cref="ArgumentException">The shape has another number of elements.</exception>
    public Tensor Reshape(params ReadOnlySpan<long> shape) => Type == ElementType.String ? new([.. shape], strings) : new(Type, [.. shape], storage);

    /// <summary>Same type, shape and bytes. Floats compare by bits: NaN equals itself, 0 differs from -0.</summary>
    public bool ContentEquals(Tensor other)
    {
        if (ReferenceEquals(this, other))
            return true;
        if (Type != other.Type || !Shape.AsSpan().SequenceEqual(other.Shape.AsSpan()))
            return false;
        if (Type == ElementType.String)
            return strings.Zip(other.strings).All(pair => pair.First.Span.SequenceEqual(pair.Second.Span));
        if (ReferenceEquals(storage, other.storage))
            return true;
        byte[] left = new byte[(int)Math.Min(ByteLength, 1 << 20)], right = new byte[left.Length];
        for (long offset = 0; offset < ByteLength; offset += left.Length)
        {
            int count = (int)Math.Min(left.Length, ByteLength - offset);
            Read(offset, left.AsSpan(0, count));
            other.Read(offset, right.AsSpan(0, count));
            if (!left.AsSpan(0, count).SequenceEqual(right.AsSpan(0, count)))
                return false;
        }
        return true;
    }

    /// <summary>A hash of type, shape and bytes that is the same in every process.</summary>
    public ulong ContentHash()
    {
        XxHash3 hash = new();
        hash.Append(MemoryMarshal.AsBytes([(long)Type, .. Shape]));
        foreach (ReadOnlyMemory<byte> text in strings)
        {
            hash.Append(MemoryMarshal.AsBytes([text.Length]));
            hash.Append(text.Span);
        }
        CopyBytesTo(span => hash.Append(span));
        return hash.GetCurrentHashAsUInt64();
    }

    /// <summary>All bytes, without a copy where they lie in memory. At most 2 GB.</summary>
    internal ReadOnlyMemory<byte> AsMemory() => storage.Memory();

    /// <summary>Hands all bytes to <paramref name="write"/>, in order, at most 1 MB at a time.</summary>
    internal void CopyBytesTo(Action<ReadOnlySpan<byte>> write)
    {
        byte[] buffer = new byte[(int)Math.Min(storage.ByteLength, 1 << 20)];
        for (long offset = 0; offset < storage.ByteLength; offset += buffer.Length)
        {
            Span<byte> part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, storage.ByteLength - offset));
            storage.Read(offset, part);
            write(part);
        }
    }

    /// <summary>Type and shape, e.g. <c>Float32 [64,3,3,3]</c>.</summary>
    public override string ToString() => $"{Type} [{string.Join(',', Shape)}]";

    /// <summary>The product of <paramref name="shape"/>.</summary>
    /// <exception cref="ArgumentException">A negative dimension, or a product above 2^63 - 1.</exception>
    public static long ElementCount(ReadOnlySpan<long> shape)
    {
        foreach (long size in shape)
        {
            if (size < 0)
                throw new ArgumentException($"Shape [{string.Join(',', shape.ToArray())}] has a negative dimension.");
        }
        return TryElementCount(shape, out long count) ? count : throw new ArgumentException($"Shape [{string.Join(',', shape.ToArray())}] has more than 2^63 - 1 elements.");
    }

    /// <summary>The product of <paramref name="shape"/> where that is only claimed.</summary>
    /// <returns>False where a dimension is negative or the product is above 2^63 - 1.</returns>
    public static bool TryElementCount(ReadOnlySpan<long> shape, out long count)
    {
        Int128 product = shape.Contains(0L) ? 0 : 1;
        count = 0;
        foreach (long size in shape)
        {
            if (size < 0 || (product *= size) > long.MaxValue)
                return false;
        }
        count = (long)product;
        return true;
    }

    private TTo[] Convert<TFrom, TTo>(Func<TFrom, TTo> convert) where TFrom : unmanaged
    {
        ReadOnlySpan<TFrom> source = Span<TFrom>();
        TTo[] result = new TTo[source.Length];
        for (int i = 0; i < result.Length; i++)
            result[i] = convert(source[i]);
        return result;
    }
}
