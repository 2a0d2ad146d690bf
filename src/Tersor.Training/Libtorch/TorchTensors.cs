using System.Runtime.InteropServices;
using Tersor.Onnx;
using TorchSharp;
using static TorchSharp.torch;

namespace Tersor.Training.Libtorch;

/// <summary>Tensors of the model file as tensors of libtorch, and back.</summary>
/// <remarks>libtorch's binding has no unsigned integers above 8 bits, and none below 8 bits, nor floats of 8 bits or fewer: those are carried in the next wider type that holds all their values.</remarks>
internal static class TorchTensors
{
    /// <summary>The type values of an element type are carried in; null for strings and complex numbers.</summary>
    /// <param name="type">Of the model file.</param>
    /// <param name="reals">What floating-point numbers are carried in; null: as they are.</param>
    public static ScalarType? Carrier(ElementType type, ScalarType? reals = null) => type switch
    {
        ElementType.Float32 => reals ?? ScalarType.Float32,
        ElementType.Float64 => reals ?? ScalarType.Float64,
        ElementType.Float16 => reals ?? ScalarType.Float16,
        ElementType.BFloat16 => reals ?? ScalarType.BFloat16,
        ElementType.Float8E4M3FN or ElementType.Float8E4M3FNUZ or ElementType.Float8E5M2 or ElementType.Float8E5M2FNUZ or ElementType.Float8E8M0 or ElementType.Float4E2M1 => reals ?? ScalarType.Float32,
        ElementType.Bool => ScalarType.Bool,
        ElementType.UInt8 => ScalarType.Byte,
        ElementType.Int8 or ElementType.Int4 or ElementType.Int2 => ScalarType.Int8,
        ElementType.UInt4 or ElementType.UInt2 => ScalarType.Byte,
        ElementType.Int16 => ScalarType.Int16,
        ElementType.Int32 or ElementType.UInt16 => ScalarType.Int32,
        ElementType.Int64 or ElementType.UInt32 or ElementType.UInt64 => ScalarType.Int64,
        _ => null,
    };

    /// <summary>A copy of a tensor.</summary>
    /// <param name="tensor">Of numbers.</param>
    /// <param name="reals">What floating-point numbers are carried in; null: as they are.</param>
    /// <exception cref="TrainingException">It holds strings or complex numbers.</exception>
    public static Tensor ToTorch(OnnxTensor tensor, ScalarType? reals = null)
    {
        ScalarType carrier = Carrier(tensor.Type, reals) ?? throw new TrainingException($"A tensor of type {tensor.Type} has no place in training; numbers are expected.");
        long[] shape = [.. tensor.Shape];
        using IDisposable _ = no_grad();
        return tensor.Type switch
        {
            ElementType.Float32 => Converted(Copy(tensor, shape, ScalarType.Float32), carrier),
            ElementType.Float64 => Converted(Copy(tensor, shape, ScalarType.Float64), carrier),
            ElementType.Int64 => Copy(tensor, shape, ScalarType.Int64),
            ElementType.Int32 => Copy(tensor, shape, ScalarType.Int32),
            ElementType.Int16 => Copy(tensor, shape, ScalarType.Int16),
            ElementType.Int8 => Copy(tensor, shape, ScalarType.Int8),
            ElementType.UInt8 => Copy(tensor, shape, ScalarType.Byte),
            ElementType.Bool => Converted(Copy(tensor, shape, ScalarType.Byte), ScalarType.Bool), // any byte but 0 is true
            ElementType.UInt64 => Copy(tensor, shape, ScalarType.Int64), // beyond 2^63 it wraps
            _ when tensor.Type.IsFloat() && tensor.Type.Bits() <= 8 => Converted(torch.tensor(SmallFloat.Decode(tensor.Type, tensor.Bytes, checked((int)tensor.Length)), shape), carrier),
            _ when tensor.Type.IsFloat() => Converted(torch.tensor(tensor.ToFloats(), shape), carrier),
            _ => Converted(torch.tensor(tensor.ToInt64s(), shape), carrier),
        };
    }

    /// <summary>A copy of a tensor as the model file holds it.</summary>
    /// <param name="tensor">Any device, any layout.</param>
    /// <param name="type">Its type in the file; null: the one it is carried in.</param>
    public static OnnxTensor ToOnnx(Tensor tensor, ElementType? type = null)
    {
        using IDisposable _ = no_grad();
        using DisposeScope scope = NewDisposeScope();
        long[] shape = tensor.shape;
        tensor = tensor.detach().contiguous();
        ElementType target = type ?? tensor.dtype switch
        {
            ScalarType.Float64 => ElementType.Float64,
            ScalarType.Float16 => ElementType.Float16,
            ScalarType.BFloat16 => ElementType.BFloat16,
            ScalarType.Int64 => ElementType.Int64,
            ScalarType.Int32 => ElementType.Int32,
            ScalarType.Int16 => ElementType.Int16,
            ScalarType.Int8 => ElementType.Int8,
            ScalarType.Byte => ElementType.UInt8,
            ScalarType.Bool => ElementType.Bool,
            _ => ElementType.Float32,
        };
        return target switch
        {
            ElementType.Float32 => OnnxTensor.Create(shape, Read<float>(tensor, ScalarType.Float32)),
            ElementType.Float64 => OnnxTensor.Create(shape, Read<double>(tensor, ScalarType.Float64)),
            ElementType.Int64 => OnnxTensor.Create(shape, Read<long>(tensor, ScalarType.Int64)),
            ElementType.Int32 => OnnxTensor.Create(shape, Read<int>(tensor, ScalarType.Int32)),
            ElementType.Int16 => OnnxTensor.Create(shape, Read<short>(tensor, ScalarType.Int16)),
            ElementType.Int8 => OnnxTensor.Create(shape, Read<sbyte>(tensor, ScalarType.Int8)),
            ElementType.UInt8 => OnnxTensor.Create(shape, Read<byte>(tensor, ScalarType.Byte)),
            ElementType.Bool => OnnxTensor.FromBytes(ElementType.Bool, shape, Read<byte>(tensor, ScalarType.Byte)),
            ElementType.Float16 => OnnxTensor.Create(shape, Array.ConvertAll(Read<float>(tensor, ScalarType.Float32), x => (Half)x)),
            ElementType.BFloat16 => OnnxTensor.Create(shape, Array.ConvertAll(Read<float>(tensor, ScalarType.Float32), x => (Onnx.BFloat16)x)),
            ElementType.Int4 or ElementType.UInt4 or ElementType.Int2 or ElementType.UInt2 => OnnxTensor.FromPacked(target, shape, Read<int>(tensor, ScalarType.Int32)),
            ElementType.UInt16 => OnnxTensor.Create(shape, Array.ConvertAll(Read<int>(tensor, ScalarType.Int32), x => (ushort)x)),
            ElementType.UInt32 => OnnxTensor.Create(shape, Array.ConvertAll(Read<long>(tensor, ScalarType.Int64), x => (uint)x)),
            ElementType.UInt64 => OnnxTensor.Create(shape, Array.ConvertAll(Read<long>(tensor, ScalarType.Int64), x => (ulong)x)),
            _ => throw new TrainingException($"Values of type {target} cannot be written."),
        };
    }

    /// <summary>The only element of a tensor.</summary>
    public static double Number(Tensor tensor)
    {
        using Tensor number = tensor.detach().to_type(ScalarType.Float64);
        return number.item<double>();
    }

    /// <summary>The elements of a tensor of integers or booleans.</summary>
    public static long[] ToLongs(Tensor tensor)
    {
        using IDisposable _ = no_grad();
        using DisposeScope scope = NewDisposeScope();
        return Read<long>(tensor.detach().contiguous(), ScalarType.Int64);
    }

    /// <summary>The elements of a contiguous tensor where they lie: good as long as the tensor lives.</summary>
    public static Span<T> View<T>(Tensor tensor) where T : unmanaged => MemoryMarshal.Cast<byte, T>(tensor.bytes);

    private static Tensor Converted(Tensor tensor, ScalarType carrier)
    {
        if (tensor.dtype == carrier)
            return tensor;
        using (tensor)
            return tensor.to_type(carrier);
    }

    private static T[] Read<T>(Tensor tensor, ScalarType type) where T : unmanaged
    {
        Tensor wanted = tensor.dtype == type ? tensor : tensor.to_type(type);
        return MemoryMarshal.Cast<byte, T>(wanted.bytes).ToArray();
    }

    /// <summary>The bytes as they are, from one memory to the other: an array in between would be a large object for every batch, and have the garbage collector run.</summary>
    private static Tensor Copy(OnnxTensor tensor, long[] shape, ScalarType type)
    {
        Tensor copy = torch.empty(shape, dtype: type);
        if (tensor.Length > 0)
            tensor.Bytes.CopyTo(copy.bytes);
        return copy;
    }
}
