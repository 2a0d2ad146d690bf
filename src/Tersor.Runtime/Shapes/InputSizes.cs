using Tersor.Data;
using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>A model's dynamic input dimensions, and inputs made at chosen sizes of them.</summary>
internal sealed class InputSizes
{
    private readonly Value[] inputs;
    private readonly IReadOnlyDictionary<string, Tensor>? given;
    private readonly Sample? sample;

    public InputSizes(Model model, Sample? sample)
    {
        this.sample = sample;
        given = sample?.Steps[0];
        inputs = [.. model.Graph.Inputs.Where(i => !i.IsInitializer)];
        List<string> symbols = [];
        foreach (Value input in inputs)
        {
            Tensor? example = given?.GetValueOrDefault(input.Name);
            if (input.Type?.AsTensor is not { } type || (type.Shape is null && example is null))
            {
                Problem ??= $"Input '{input.Name}' has no declared tensor shape to make data of.";
                continue;
            }
            if (example is null && !CanBeMadeUp(type.ElementType))
                Problem ??= $"Input '{input.Name}' holds {type.ElementType}, which cannot be made up; give a sample.";
            for (int axis = 0; axis < (type.Shape?.Length ?? 0); axis++)
            {
                if (type.Shape!.Value[axis].Size is not null)
                    continue;
                string name = Name(input, type.Shape.Value[axis], axis);
                if (!symbols.Contains(name))
                    symbols.Add(name);
                if (axis == 0)
                    batches.Add(name);
                if (example is not null && axis < example.Rank)
                    FromSample[name] = example.Shape[axis];
            }
        }
        Symbols = symbols;
    }

    private readonly HashSet<string> batches = [];

    /// <summary>Names of the dynamic dimensions; unnamed ones are called after their input and axis.</summary>
    public IReadOnlyList<string> Symbols { get; }

    /// <summary>Their sizes in the sample.</summary>
    public Dictionary<string, long> FromSample { get; } = [];

    /// <summary>Why no inputs can be made, or null.</summary>
    public string? Problem { get; }

    public bool IsBatch(string symbol) => batches.Contains(symbol);

    /// <summary>Inputs of the given sizes: the sample's numbers over and over, or seeded random ones.</summary>
    public Sample Make(IReadOnlyDictionary<string, long> sizes)
    {
        Dictionary<string, Tensor> made = [];
        foreach (Value input in inputs)
        {
            OnnxType.Tensor type = input.Type!.AsTensor!;
            Tensor? example = given?.GetValueOrDefault(input.Name);
            long[] shape = type.Shape is { } dimensions ? [.. dimensions.Select((d, axis) => d.Size ?? sizes[Name(input, d, axis)])] : [.. example!.Shape];
            made[input.Name] = example is not null && example.Shape.AsSpan().SequenceEqual(shape) ? example : Fill(type.ElementType, shape, example);
        }
        return new(sample?.Name ?? "made up", [made], new Dictionary<string, Tensor>());
    }

    private static string Name(Value input, Dimension dimension, int axis) => dimension.Symbol is { Length: > 0 } symbol ? symbol : $"{input.Name}_dim_{axis}";

    private static bool CanBeMadeUp(ElementType type) => type is ElementType.Float32 or ElementType.Float16 or ElementType.Float64 or ElementType.Bool;

    private static Tensor Fill(ElementType type, long[] shape, Tensor? example)
    {
        if (!Tensor.TryElementCount(shape, out long count) || count > Array.MaxLength / Math.Max(1, type.Bits() / 8))
            throw new RuntimeException($"An input of shape [{string.Join(',', shape)}] is too large to be made.");
        if (example is { Length: > 0 } && type.Bits() >= 8)
        {
            int width = type.Bits() / 8;
            byte[] bytes = new byte[type.ByteLength(count)];
            ReadOnlySpan<byte> source = example.Bytes;
            for (long i = 0; i < count; i++)
                source.Slice((int)(i % example.Length) * width, width).CopyTo(bytes.AsSpan((int)i * width));
            return Tensor.FromBytes(type, shape, bytes);
        }
        Random random = new(1);
        double Next() => random.NextDouble() * 2 - 1;
        return type switch
        {
            ElementType.Float32 => Tensor.Create(shape, Numbers(() => (float)Next())),
            ElementType.Float16 => Tensor.Create(shape, Numbers(() => (Half)Next())),
            ElementType.Float64 => Tensor.Create(shape, Numbers(Next)),
            _ => Tensor.FromBytes(type, shape, new byte[type.ByteLength(count)]),
        };

        T[] Numbers<T>(Func<T> next)
        {
            T[] values = new T[count];
            for (long i = 0; i < count; i++)
                values[i] = next();
            return values;
        }
    }
}
