using System.Collections.Immutable;
using System.Globalization;
using Tersor.Data.Preprocessing;
using Tersor.Data.Sources;
using Tersor.Onnx;

namespace Tersor.Data.Descriptions;

/// <summary>Descriptions for data that are named without one, from what the model declares.</summary>
internal static class DirectData
{
    /// <summary>The description of a file or folder and what to warn of, or null when it is neither.</summary>
    public static (DataDescription Description, string[] Warnings)? Describe(string path, IReadOnlyList<ModelInput>? modelInputs)
    {
        string full = Files.FullPath(path);
        string name = Path.GetFileName(full.TrimEnd(Path.DirectorySeparatorChar));
        if (Path.GetExtension(path) is ".npy" or ".npz")
            return (One(name, new NumpySource { File = full }), []);
        if (!Directory.Exists(path))
            return null;
        if (Directory.EnumerateFiles(path, "*.wav").Any())
        {
            ModelInput? input = modelInputs is [var first, ..] ? first : null;
            int frame = input?.Shape is { Length: 2 } shape && shape[1].Size is > 0 and <= int.MaxValue and { } size ? (int)size
                : throw new DataException($"'{path}' holds WAV files, but the model does not say how long a frame is. Describe the data in a .yaml file (source: kind: wav, frame: ...).");
            return (One(name, new WavSource { Folder = full, Frame = frame }), []);
        }
        return IdxFolder.Describe(name, full, modelInputs) ?? Images(name, full, modelInputs);
    }

    /// <summary><c>random,count=16,seed=7,x=1x3x48x320</c></summary>
    public static DataDescription Random(string spec)
    {
        RandomSource source = new();
        Dictionary<string, IReadOnlyList<long>> shapes = [];
        foreach (string part in spec.Split(',').Skip(1))
        {
            int equals = part.LastIndexOf('=');
            string key = equals > 0 ? part[..equals] : part, value = equals > 0 ? part[(equals + 1)..] : "";
            long[] numbers = [.. value.Split('x').Select(n => long.TryParse(n, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : -1)];
            if (equals <= 0 || numbers.Contains(-1) || (key is "count" or "seed" && (numbers.Length != 1 || numbers[0] > int.MaxValue)) || (key == "count" && numbers[0] == 0))
                throw new DataException($"'{part}' in '{spec}' is not understood; expected count=16, seed=7 or a shape such as x=1x3x48x320.");
            if (key == "count")
                source = source with { Count = (int)numbers[0] };
            else if (key == "seed")
                source = source with { Seed = (int)numbers[0] };
            else
                shapes[key] = numbers;
        }
        return One("random", source with { Shapes = shapes });
    }

    private static (DataDescription, string[]) Images(string name, string folder, IReadOnlyList<ModelInput>? modelInputs)
    {
        ModelInput? input = modelInputs?.FirstOrDefault(i => i.Shape is { Length: 4 });
        if (input?.Shape is not { } shape)
            throw new DataException($"'{folder}' is a folder of images, but no model input with four dimensions is known. Describe the data in a .yaml file.");
        bool last = shape[3].Size is 1 or 3 && shape[1].Size is not (1 or 3);
        Dimension channels = last ? shape[3] : shape[1], height = last ? shape[1] : shape[2], width = last ? shape[2] : shape[3];
        List<PreprocessStep> steps = [Resize(height, width), new ChannelsStep(channels.Size == 1 ? ChannelOrder.Grey : ChannelOrder.Rgb)];
        if (input.Type.IsFloat())
            steps.Add(new NormalizeStep());
        DataDescription description = One(name, new ImageFolderSource { Folder = folder, Input = input.Name }) with
        {
            Preprocess = [.. steps.Where(s => s is not ResizeStep { Width: null, Height: null })],
            Format = new(last ? TensorLayout.Nhwc : TensorLayout.Nchw, input.Type),
        };
        return (description, [$"No preprocessing is declared for '{folder}': images are {(channels.Size == 1 ? "grey" : "RGB")}, resized to the model's input size"
            + $"{(input.Type.IsFloat() ? ", and divided by 255" : "")}. If the model was trained otherwise, describe the data in a .yaml file."]);
    }

    private static ResizeStep Resize(Dimension height, Dimension width) => new() { Height = Pixels(height), Width = Pixels(width) };

    private static int? Pixels(Dimension dimension) => dimension.Size switch
    {
        null => null,
        > 0 and <= PixelImage.MaxSide and { } size => (int)size,
        { } size => throw new DataException($"The model takes images of {size} pixels a side; expected 1..{PixelImage.MaxSide}. Describe the data in a .yaml file."),
    };

    private static DataDescription One(string name, DataSource source) =>
        new() { Name = name, Splits = ImmutableDictionary<string, SplitDescription>.Empty.Add("all", new(source)) };
}
