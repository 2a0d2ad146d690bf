using Tersor.Onnx;
using Tersor.Runtime;

namespace Tersor.Compression;

/// <summary>Made-up inputs for a model: seeded normal numbers for floats, small integers from 0 up, open dimensions of a size one chooses.</summary>
/// <remarks>They show whether two models compute the same, not whether they compute anything sensible.</remarks>
public static class SampleInputs
{
    /// <summary>Elements of an input that are made up at most.</summary>
    private const long MaxElements = 1 << 26;

    /// <summary>Why no sample can be made for a model, whatever the sizes of its open dimensions; null where one can.</summary>
    public static string? Obstacle(Model model)
    {
        Value? input = model.Graph.Inputs.FirstOrDefault(v => !v.IsInitializer && !IsPossible(v.Type));
        return input is null ? null
            : input.Type?.AsTensor is { } type && IsDrawn(type.ElementType) ? $"input '{input.Name}', {type}, is too large to make numbers up for"
            : $"nothing can be made up for input '{input.Name}', {input.Type?.ToString() ?? "which has no type"}";

        static bool IsPossible(OnnxType? type) => type switch
        {
            OnnxType.Tensor tensor => Tensor.TryElementCount([.. (tensor.Shape ?? []).Select(d => d.Size ?? 1)], out long count) && count <= MaxElements && IsDrawn(tensor.ElementType),
            OnnxType.Sequence sequence => IsPossible(sequence.Element),
            OnnxType.Optional optional => IsPossible(optional.Element),
            _ => false,
        };

        static bool IsDrawn(ElementType type) => Fill(type, [], new(1), () => 0) is not null;
    }

    /// <summary>Whether integers are drawn for an input, so that it matters from what range.</summary>
    public static bool DrawsIntegers(Model model) => model.Graph.Inputs.Any(v => !v.IsInitializer && v.Type is not OnnxType.Tensor { ElementType: ElementType.Float32 or ElementType.Float64 or ElementType.Float16 or ElementType.BFloat16 or ElementType.Bool or ElementType.String });

    /// <summary>One sample.</summary>
    /// <param name="model">The model; overridable initializers are not fed.</param>
    /// <param name="seed">The same seed gives the same sample.</param>
    /// <param name="sizes">Sizes for what the model leaves open.</param>
    /// <param name="integer">Draws the elements of an integer input: which input, the random numbers.</param>
    /// <returns>Values by input name, or null where an input is of a type that none can be made of.</returns>
    public static IReadOnlyDictionary<string, RuntimeValue>? Make(Model model, int seed, OpenSizes sizes, Func<Value, Random, int>? integer = null)
    {
        Random random = new(seed);
        integer ??= (_, r) => r.Next(2);
        Dictionary<string, long> named = new(sizes.Named);
        Dictionary<string, RuntimeValue> sample = new(StringComparer.Ordinal);
        foreach (Value input in model.Graph.Inputs.Where(v => !v.IsInitializer))
        {
            if (Make(input.Type, () => integer(input, random)) is not { } value)
                return null;
            sample[input.Name] = value;
        }
        return sample;

        RuntimeValue? Make(OnnxType? type, Func<int> next)
        {
            switch (type)
            {
                case OnnxType.Tensor tensor:
                    long[] shape = [.. (tensor.Shape ?? []).Select(Size)];
                    return Tensor.TryElementCount(shape, out long count) && count <= MaxElements && Fill(tensor.ElementType, shape, random, next) is { } dense ? new RuntimeValue.Dense(dense) : null;
                case OnnxType.Sequence sequence:
                    return Make(sequence.Element, next) is { } one && Make(sequence.Element, next) is { } two ? new RuntimeValue.Sequence([one, two]) : null;
                case OnnxType.Optional optional:
                    return Make(optional.Element, next);
                default:
                    return null;
            }
        }

        // One name is one size, wherever it stands first.
        long Size(Dimension dimension, int axis)
        {
            if (dimension.Size is { } known)
                return known;
            long size = axis == 0 ? sizes.First : sizes.Others;
            if (dimension.Symbol is { Length: > 0 } symbol && !named.TryAdd(symbol, size))
                size = named[symbol];
            return size;
        }
    }

    private static Tensor? Fill(ElementType type, long[] shape, Random random, Func<int> next)
    {
        int count = checked((int)Tensor.ElementCount(shape));
        return type switch
        {
            ElementType.Float32 => Tensor.Create(shape, Draw(count, () => (float)Normal(random))),
            ElementType.Float64 => Tensor.Create(shape, Draw(count, () => Normal(random))),
            ElementType.Float16 => Tensor.Create(shape, Draw(count, () => (Half)Normal(random))),
            ElementType.BFloat16 => Tensor.Create(shape, Draw(count, () => (BFloat16)(float)Normal(random))),
            ElementType.Bool => Tensor.Create(shape, Draw(count, () => random.Next(2) == 1)),
            ElementType.Int8 => Tensor.Create(shape, Draw(count, () => (sbyte)next())),
            ElementType.UInt8 => Tensor.Create(shape, Draw(count, () => (byte)next())),
            ElementType.Int16 => Tensor.Create(shape, Draw(count, () => (short)next())),
            ElementType.UInt16 => Tensor.Create(shape, Draw(count, () => (ushort)next())),
            ElementType.Int32 => Tensor.Create(shape, Draw(count, () => next())),
            ElementType.UInt32 => Tensor.Create(shape, Draw(count, () => (uint)next())),
            ElementType.Int64 => Tensor.Create(shape, Draw(count, () => (long)next())),
            ElementType.UInt64 => Tensor.Create(shape, Draw(count, () => (ulong)next())),
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

/// <summary>Sizes for dimensions that a model leaves open.</summary>
/// <param name="First">Of an input's first dimension, mostly the batch.</param>
/// <param name="Others">Of all others.</param>
public sealed record OpenSizes(long First, long Others)
{
    /// <summary>Sizes worth trying where nothing tells which a model takes, in that order: what networks commonly need, a fixed batch of two inside included.</summary>
    public static IReadOnlyList<OpenSizes> Tried { get; } = [new(1, 32), new(2, 64), new(1, 1), new(2, 2), new(1, 8), new(1, 64), new(1, 2), new(3, 96), new(1, 128), new(2, 256), new(1, 224), new(1, 256), new(2, 224), new(1, 512)];

    /// <summary>Of dimensions by name; these go first. Default: none.</summary>
    public IReadOnlyDictionary<string, long> Named { get; init; } = new Dictionary<string, long>();
}
