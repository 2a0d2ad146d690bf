using Tersor.Data.Preprocessing;
using Tersor.Onnx;

namespace Tersor.Data.Sources;

/// <summary>Samples from an IDX file of images and, if given, one of labels.</summary>
internal sealed class IdxDataSet : IDataSet, IStratified
{
    private readonly ArrayFile images;
    private readonly ArrayFile? labels;
    private readonly ArrayInput array;

    public IdxDataSet(string name, string imagesPath, string? labelsPath, string input, Preprocessor preprocessor, bool hasSteps)
    {
        Name = name;
        images = IdxFile.Open(imagesPath);
        labels = labelsPath is null ? null : IdxFile.Open(labelsPath);
        if (labels is not null && (labels.Count != images.Count || labels.Shape.Length != 1 || !labels.Type.IsInteger()))
            throw new DataException($"'{labelsPath}' holds {labels.Type} [{string.Join(',', labels.Shape.ToArray())}]; expected {images.Count} integers, one for each record of '{imagesPath}'.");
        array = new(input, imagesPath, preprocessor, hasSteps);
    }

    public string Name { get; }

    public int Count => images.Count;

    public IReadOnlyDictionary<string, string> Feedback { get; } = new Dictionary<string, string>();

    public Sample Read(int index) => new($"#{index}", [array.Step(images.Record(index), index)], Label(index) is { } label ? ImageLabels.Class(label) : new Dictionary<string, Tensor>());

    public string? Stratum(int index) => Label(index)?.ToString();

    private long? Label(int index) => labels?.Record(index).ToInt64s()[0];
}
