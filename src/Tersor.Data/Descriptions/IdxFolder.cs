using System.Collections.Immutable;
using Tersor.Data.Preprocessing;
using Tersor.Data.Sources;
using Tersor.Onnx;

namespace Tersor.Data.Descriptions;

/// <summary>The folder of a data set of the MNIST family: four IDX files with the names that all of them have, gzipped or not.</summary>
internal static class IdxFolder
{
    /// <summary>Images that show whether a drop of 0.01 is there where as many as one answer in twenty changes: its interval is ± 1.96 · √(0.05 / 2000), which is 0.0098.</summary>
    private const double EnoughToJudge = 2000;

    /// <summary>Images to calibrate with: several times as many as ranges are usually learned from.</summary>
    private const double EnoughToCalibrate = 500;

    /// <summary>Share held out for validation: a tenth, as where training holds out itself, and up to a fifth where a tenth is too few to judge by.</summary>
    private const double LeastHeld = 0.1, MostHeld = 0.2;

    /// <summary>The description, parts for training, calibration, validation and test included, or null when the folder holds no such files.</summary>
    public static (DataDescription Description, string[] Warnings)? Describe(string name, string folder, IReadOnlyList<ModelInput>? modelInputs)
    {
        ImmutableDictionary<string, SplitDescription>.Builder splits = ImmutableDictionary.CreateBuilder<string, SplitDescription>();
        ModelInput? input = modelInputs is [var first, ..] ? first : null;
        if (Source(folder, "train", input) is { } train)
        {
            // What is learned from, calibrated with and judged on has no image in common.
            SplitDescription part = new(train) { Seed = 1, Stratified = train.Labels is not null };
            int count = IdxFile.Open(train.Images).Count;
            double validation = 1 - Math.Clamp(EnoughToJudge / count, LeastHeld, MostHeld), calibration = validation - Math.Min(EnoughToCalibrate / count, 0.05);
            splits["train"] = part with { Part = (0, calibration) };
            splits["calibration"] = part with { Part = (calibration, validation) };
            splits["validation"] = part with { Part = (validation, 1) };
        }
        if (Source(folder, "t10k", input) is { } test)
            splits["test"] = new(test);
        if (splits.Count == 0)
            return null;
        bool isFloat = input?.Type.IsFloat() != false;
        return (new()
        {
            Name = name,
            Splits = splits.ToImmutable(),
            Preprocess = isFloat ? [new NormalizeStep()] : [],
            Format = new(TensorLayout.Nchw, input?.Type ?? ElementType.Float32),
        },
        [$"No preprocessing is declared for '{folder}': images are {(isFloat ? "divided by 255" : "taken as they are")}. If the model was trained otherwise, describe the data in a .yaml file."]);
    }

    private static IdxSource? Source(string folder, string part, ModelInput? input) => Find(folder, $"{part}-images-idx3-ubyte", $"{part}-images.idx3-ubyte") is { } images
        ? new() { Images = images, Labels = Find(folder, $"{part}-labels-idx1-ubyte", $"{part}-labels.idx1-ubyte"), Input = input?.Name } : null;

    /// <summary>A file of one of these names; some unpackers write a point where the original has a hyphen.</summary>
    private static string? Find(string folder, params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            foreach (string path in new[] { Path.Combine(folder, name), Path.Combine(folder, $"{name}.gz") })
            {
                if (File.Exists(path))
                    return path;
            }
        }
        return null;
    }
}
