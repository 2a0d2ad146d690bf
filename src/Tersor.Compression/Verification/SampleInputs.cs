using Tersor.Onnx;

namespace Tersor.Compression;

/// <summary>Made-up inputs for a model: seeded normal numbers for floats, small integers from 0 up, open dimensions of a size one chooses.</summary>
/// <remarks>They show whether two models compute the same, not whether they compute anything sensible.</remarks>
public static class SampleInputs
{
    /// <summary>One sample.</summary>
    /// <param name="model">The model; overridable initializers are not fed.</param>
    /// <param name="seed">The same seed gives the same sample.</param>
    /// <param name="openSize">Size of every dimension the model leaves open, where <paramref name="dimensions"/> says nothing.</param>
    /// <param name="dimensions">Sizes of named dimensions.</param>
    /// <param name="maxInteger">Integers are drawn from 0 to this.</param>
    /// <returns>Tensors by input name, or null where an input is no tensor of a number, bool or string type.</returns>
    public static IReadOnlyDictionary<string, Tensor>? Make(Model model, int seed, long openSize, IReadOnlyDictionary<string, long>? dimensions = null, int maxInteger = 1)
    {
        Random random = new(seed);
        Dictionary<string, Tensor> sample = new(StringComparer.Ordinal);
        foreach (Value input in model.Graph.Inputs.Where(v => !v.IsInitializer))
        {
            if (input.Type?.AsTensor is not { } type)
                return null;
            long[] shape = [.. (type.Shape ?? []).Select(d => d.Size ?? (d.Symbol is { } symbol && dimensions?.TryGetValue(symbol, out long size) == true ? size : openSize))];
            if (Tensor.ElementCount(shape) > 1 << 26 || Fill(type.ElementType, shape, random, maxInteger) is not { } tensor)
                return null;
            sample[input.Name] = tensor;
        }
        return sample;
    }

    private static Tensor? Fill(ElementType type, long[] shape, Random random, int maxInteger)
    {
        int count = checked((int)Tensor.ElementCount(shape));
        return type switch
        {
            ElementType.Float32 => Tensor.Create(shape, Draw(count, () => (float)Normal(random))),
            ElementType.Float64 => Tensor.Create(shape, Draw(count, () => Normal(random))),
            ElementType.Float16 => Tensor.Create(shape, Draw(count, () => (Half)Normal(random))),
            ElementType.BFloat16 => Tensor.Create(shape, Draw(count, () => (BFloat16)(float)Normal(random))),
            ElementType.Bool => Tensor.Create(shape, Draw(count, () => random.Next(2) == 1)),
            ElementType.Int8 => Tensor.Create(shape, Draw(count, () => (sbyte)random.Next(maxInteger + 1))),
            ElementType.UInt8 => Tensor.Create(shape, Draw(count, () => (byte)random.Next(maxInteger + 1))),
            ElementType.Int16 => Tensor.Create(shape, Draw(count, () => (short)random.Next(maxInteger + 1))),
            ElementType.UInt16 => Tensor.Create(shape, Draw(count, () => (ushort)random.Next(maxInteger + 1))),
            ElementType.Int32 => Tensor.Create(shape, Draw(count, () => random.Next(maxInteger + 1))),
            ElementType.UInt32 => Tensor.Create(shape, Draw(count, () => (uint)random.Next(maxInteger + 1))),
            ElementType.Int64 => Tensor.Create(shape, Draw(count, () => (long)random.Next(maxInteger + 1))),
            ElementType.UInt64 => Tensor.Create(shape, Draw(count, () => (ulong)random.Next(maxInteger + 1))),
            ElementType.String => Tensor.FromStrings(shape, Draw(count, () => $"{(char)('a' + random.Next(26))}")),
            _ => null,
        };
    }

    private static T[] Draw<T>(int count, Func<T> next)
    {
        T[] values = new T[count];
        for (int i = 0; i < count; i++)
            values[i] = next();
        return values;
    }

    /// <summary>Box and Muller 1958, Annals of Mathematical Statistics 29(2), 610-611.</summary>
    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
