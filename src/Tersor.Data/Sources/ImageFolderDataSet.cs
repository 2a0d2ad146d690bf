using Tersor.Data.Descriptions;
using Tersor.Data.Preprocessing;
using Tersor.Onnx;

namespace Tersor.Data.Sources;

/// <summary>Image files, decoded and preprocessed when they are asked for.</summary>
internal sealed class ImageFolderDataSet : IDataSet, IStratified
{
    private readonly string folder, input;
    private readonly Preprocessor preprocessor;
    private readonly IReadOnlyList<ImageVariant> variants;
    private readonly ImageLabels labels;
    private readonly string[] files;

    public ImageFolderDataSet(string name, string folder, ImageFolderSource source, string input, Preprocessor preprocessor)
    {
        (Name, this.folder, this.input, this.preprocessor) = (name, folder, input, preprocessor);
        variants = source.Variants.Count > 0 ? source.Variants : [new(new TurnStep(), null)];
        labels = ImageLabels.Open(folder, source.Labels);
        files = Files.In(folder, source.Files, nested: true, ImageFile.IsImage);
        // An image without a line in the table is not in the data set: tables often list a part of a folder.
        if (labels.Files is { } labelled && variants.All(v => v.Label is null))
        {
            files = [.. files.Where(labelled.Contains)];
            if (files.Length == 0)
                throw new DataException($"No file in '{folder}' that matches '{source.Files}' is named in '{source.Labels}' labels.");
        }
    }

    public string Name { get; }

    public int Count => files.Length * variants.Count;

    public IReadOnlyDictionary<string, string> Feedback { get; } = new Dictionary<string, string>();

    public Sample Read(int index)
    {
        (string file, ImageVariant variant) = At(index);
        string path = Path.Combine(folder, file);
        PixelImage image = variant.Turn.Apply(ImageFile.Read(path));
        (Tensor tensor, Placement placement) = preprocessor.Run(image, $"Image '{path}'");
        return new(variants.Count == 1 ? file : $"{file}#{index % variants.Count}", [new Dictionary<string, Tensor> { [input] = tensor }],
            variant.Label is { } label ? ImageLabels.Class(label) : labels.Of(file, placement));
    }

    public string? Stratum(int index)
    {
        (string file, ImageVariant variant) = At(index);
        return variant.Label?.ToString() ?? labels.Stratum(file);
    }

    private (string File, ImageVariant Variant) At(int index) => (files[index / variants.Count], variants[index % variants.Count]);
}
