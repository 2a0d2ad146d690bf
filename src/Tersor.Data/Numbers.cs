using Tersor.Onnx;

namespace Tersor.Data;

/// <summary>Numbers in single precision as tensors of other types.</summary>
internal static class Numbers
{
    /// <summary>Rounds to the nearest value of the type, ties to even; integers saturate, NaN gives 0 there.</summary>
    /// <exception cref="DataException">A type that numbers are not converted to.</exception>
    public static Tensor ToTensor(ElementType type, ReadOnlySpan<long> shape, float[] values) => type switch
    {
        ElementType.Float32 => Tensor.Create(shape, values),
        ElementType.Float64 => Tensor.Create(shape, Array.ConvertAll(values, v => (double)v)),
        ElementType.Float16 => Tensor.Create(shape, Array.ConvertAll(values, v => (Half)v)),
        ElementType.BFloat16 => Tensor.Create(shape, Array.ConvertAll(values, v => (BFloat16)v)),
        ElementType.Bool => Tensor.Create(shape, Array.ConvertAll(values, v => v != 0)),
        ElementType.UInt8 => Tensor.Create(shape, Array.ConvertAll(values, v => byte.CreateSaturating(MathF.Round(v)))),
        ElementType.Int8 => Tensor.Create(shape, Array.ConvertAll(values, v => sbyte.CreateSaturating(MathF.Round(v)))),
        ElementType.UInt16 => Tensor.Create(shape, Array.ConvertAll(values, v => ushort.CreateSaturating(MathF.Round(v)))),
        ElementType.Int16 => Tensor.Create(shape, Array.ConvertAll(values, v => short.CreateSaturating(MathF.Round(v)))),
        ElementType.Int32 => Tensor.Create(shape, Array.ConvertAll(values, v => int.CreateSaturating(MathF.Round(v)))),
        ElementType.UInt32 => Tensor.Create(shape, Array.ConvertAll(values, v => uint.CreateSaturating(MathF.Round(v)))),
        ElementType.Int64 => Tensor.Create(shape, Array.ConvertAll(values, v => long.CreateSaturating(MathF.Round(v)))),
        ElementType.UInt64 => Tensor.Create(shape, Array.ConvertAll(values, v => ulong.CreateSaturating(MathF.Round(v)))),
        _ => throw new DataException($"Numbers cannot be stored as {type}. Use a float, integer or bool type of 8 bits or more."),
    };
}
