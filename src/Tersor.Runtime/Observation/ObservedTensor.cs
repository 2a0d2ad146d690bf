using System.Runtime.InteropServices;
using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>A tensor lent to a <see cref="ValueObserver"/>: it lies in the engine's memory and is not copied.</summary>
public readonly ref struct ObservedTensor
{
    private readonly Tensor? strings;

    internal ObservedTensor(ElementType type, ReadOnlySpan<long> shape, ReadOnlySpan<byte> bytes, int sample, int step)
    {
        Type = type;
        Shape = shape;
        Bytes = bytes;
        Sample = sample;
        Step = step;
    }

    internal ObservedTensor(Tensor tensor, int sample, int step)
        : this(tensor.Type, tensor.Shape.AsSpan(), tensor.Type == ElementType.String ? default : tensor.Bytes, sample, step)
    {
        strings = tensor.Type == ElementType.String ? tensor : null;
    }

    /// <summary>What the elements are.</summary>
    public ElementType Type { get; }

    /// <summary>Size of every dimension.</summary>
    public ReadOnlySpan<long> Shape { get; }

    /// <summary>The elements as bytes, sub-byte types packed; empty for strings.</summary>
    public ReadOnlySpan<byte> Bytes { get; }

    /// <summary>Which sample of the data it belongs to, from 0.</summary>
    public int Sample { get; }

    /// <summary>Which step of that sample, from 0.</summary>
    public int Step { get; }

    /// <summary>The elements in single precision: no copy where they are that already, converted from other numbers; empty for strings.</summary>
    public ReadOnlySpan<float> Floats => Type switch
    {
        ElementType.Float32 => MemoryMarshal.Cast<byte, float>(Bytes),
        ElementType.String => [],
        _ => ToTensor().ToFloats(),
    };

    /// <summary>A copy that outlives the call.</summary>
    public Tensor ToTensor() => strings ?? Tensor.FromBytes(Type, Shape, Bytes.ToArray());
}
