namespace Tersor.Onnx.Tests;

/// <summary>Seeded inputs for real models: floats from -1 to 1, small integers.</summary>
internal static class RandomInputs
{
    /// <summary>Inputs of a model; a dimension that is not fixed gets its size from <paramref name="shapes"/>, or 1.</summary>
    public static Dictionary<string, Tensor> For(Model model, int seed, IReadOnlyDictionary<string, long[]>? shapes = null) => model.Graph.Inputs.Where(v => !v.IsInitializer)
        .ToDictionary(v => v.Name, v => Make(v.Type!.AsTensor!.ElementType, shapes?.GetValueOrDefault(v.Name) ?? [.. v.Type!.AsTensor!.Shape!.Value.Select(d => d.Size ?? 1)], seed));

    public static Tensor Make(ElementType type, long[] shape, int seed)
    {
        Random random = new(seed);
        int count = (int)Tensor.ElementCount(shape);
        return type switch
        {
            ElementType.Float32 => Tensor.Create(shape, Enumerable.Range(0, count).Select(_ => random.NextSingle() * 2 - 1).ToArray()),
            ElementType.Float64 => Tensor.Create(shape, Enumerable.Range(0, count).Select(_ => random.NextDouble() * 2 - 1).ToArray()),
            ElementType.Int64 => Tensor.Create(shape, Enumerable.Range(0, count).Select(_ => random.NextInt64(3)).ToArray()),
            ElementType.Bool => Tensor.Create(shape, Enumerable.Range(0, count).Select(_ => random.Next(2) == 1).ToArray()),
            _ => throw new ArgumentException($"No random {type}."),
        };
    }

    /// <summary>Input shapes for the shared models whose inputs have dimensions that are not fixed, small enough for a quick run.</summary>
    public static IReadOnlyDictionary<string, long[]>? ShapesFor(string path) => Path.GetFileNameWithoutExtension(path) switch
    {
        "ocr_rec" => new Dictionary<string, long[]> { ["x"] = [1, 3, 48, 96] },
        "ocr_det" => new Dictionary<string, long[]> { ["x"] = [1, 3, 96, 64] },
        "ocr_cls" => new Dictionary<string, long[]> { ["x"] = [1, 3, 48, 192] },
        "vad_lstm" => new Dictionary<string, long[]> { ["input"] = [1, 256], ["sr"] = [], ["h"] = [2, 1, 64], ["c"] = [2, 1, 64] },
        _ => null,
    };

    /// <summary>The same with what a model needs to run at all: a sample rate.</summary>
    public static Dictionary<string, Tensor> ForShared(string path, Model model)
    {
        Dictionary<string, Tensor> inputs = For(model, 7, ShapesFor(path));
        if (inputs.ContainsKey("sr"))
            inputs["sr"] = Tensor.Scalar(8000L);
        return inputs;
    }
}
