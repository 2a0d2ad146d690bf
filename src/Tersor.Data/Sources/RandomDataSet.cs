using System.Security.Cryptography;
using System.Text;
using Tersor.Data.Descriptions;
using Tersor.Onnx;

namespace Tersor.Data.Sources;

/// <summary>Noise of the right types and shapes: floats from the standard normal distribution, integers 0..9 (booleans 0..1), strings of one digit.</summary>
internal sealed class RandomDataSet : IDataSet
{
    public const string Warning = "The data are RANDOM NUMBERS: accuracy and calibrated ranges found with them say nothing about real inputs. Use them to see that a model runs, and how fast.";

    private const long MaxElements = 1 << 28;

    private readonly (string Name, ElementType Type, long[] Shape)[] inputs;
    private readonly int seed;

    public RandomDataSet(RandomSource source, IReadOnlyList<ModelInput> modelInputs)
    {
        (Count, seed) = (source.Count, source.Seed);
        foreach (string name in source.Shapes.Keys.Where(n => modelInputs.All(i => i.Name != n)))
            throw new DataException($"A shape is given for '{name}', but the model takes {string.Join(", ", modelInputs.Select(i => i.Name))}.{Nearest.Hint(name, modelInputs.Select(i => i.Name))}");
        inputs = [.. modelInputs.Select(i => (i.Name, i.Type, ShapeOf(i, source.Shapes.GetValueOrDefault(i.Name))))];
        foreach ((string name, _, long[] shape) in inputs)
        {
            if (!Tensor.TryElementCount(shape, out long count) || count > MaxElements)
                throw new DataException($"Input '{name}' would be [{string.Join(',', shape)}]: more than {MaxElements} numbers are not made up.");
        }
    }

    public string Name => "random";

    public int Count { get; }

    public IReadOnlyDictionary<string, string> Feedback { get; } = new Dictionary<string, string>();

    public Sample Read(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        return new($"random #{index}", [inputs.ToDictionary(i => i.Name, i => Draw(i.Name, i.Type, i.Shape, index))], new Dictionary<string, Tensor>());
    }

    private static long[] ShapeOf(ModelInput input, IReadOnlyList<long>? given)
    {
        if (input.Shape is not { } declared)
            return given is not null ? [.. given] : throw Missing(input, "its rank");
        if (given is null)
            return [.. declared.Select((d, axis) => d.Size ?? (axis == 0 ? 1 : throw Missing(input, $"dimension {axis} ('{d}')")))];
        if (given.Count != declared.Length || given.Zip(declared).Any(p => p.Second.Size is { } size && size != p.First) || given.Any(s => s < 0))
            throw new DataException($"Input '{input.Name}' is declared as [{string.Join(',', declared)}]; the given shape [{string.Join(',', given)}] does not fit.");
        return [.. given];
    }

    private static DataException Missing(ModelInput input, string what)
    {
        string shape = input.Shape is { } declared ? $"[{string.Join(',', declared)}]" : "of unknown rank";
        return new($"Input '{input.Name}' is {shape}: {what} is not fixed. Give random data a shape, e.g. random,{input.Name}={Example(input)}.");
    }

    private static string Example(ModelInput input) => input.Shape is { } shape ? string.Join('x', shape.Select((d, axis) => d.Size ?? (axis == 0 ? 1 : 64))) : "1x3x64x64";

    private Tensor Draw(string name, ElementType type, long[] shape, int index)
    {
        // Each tensor has a seed of its own: any order of reading gives the same numbers.
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{seed}/{index}/{name}"));
        Random random = new(BitConverter.ToInt32(hash));
        int length = checked((int)Tensor.ElementCount(shape));
        if (type == ElementType.String)
            return Tensor.FromStrings(shape, Enumerable.Range(0, length).Select(_ => random.Next(10).ToString()).ToArray());
        float[] values = new float[length];
        for (int i = 0; i < length; i++)
            values[i] = type.IsFloat() ? Normal(random) : random.Next(type == ElementType.Bool ? 2 : 10);
        return Numbers.ToTensor(type, shape, values);
    }

    private static float Normal(Random random) => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
}
