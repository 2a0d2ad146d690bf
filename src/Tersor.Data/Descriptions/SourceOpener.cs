using Tersor.Data.Preprocessing;
using Tersor.Data.Sources;

namespace Tersor.Data.Descriptions;

/// <summary>Opens the source of one part of a description.</summary>
internal sealed class SourceOpener(DataDescription description, string folder, string name, IReadOnlyList<ModelInput>? modelInputs)
{
    private readonly Preprocessor preprocessor = new(description.Preprocess, description.Format);

    public IDataSet Open(DataSource source)
    {
        string[] problems = [.. description.Preprocess.SelectMany(s => s.Problems().Select(p => $"{s.GetType().Name}: {p}"))];
        if (problems.Length > 0)
            throw new DataException($"{name}: {string.Join("; ", problems)}.");
        bool hasSteps = description.Preprocess.Count > 0;
        return source switch
        {
            ImageFolderSource images => new ImageFolderDataSet(name, At(images.Folder), images, Input(images), preprocessor),
            IdxSource idx => new IdxDataSet(name, At(idx.Images), idx.Labels is null ? null : At(idx.Labels), Input(idx), preprocessor, hasSteps),
            NumpySource numpy => new NumpyDataSet(name, numpy with { File = At(numpy.File), LabelsFile = numpy.LabelsFile is { } labels ? At(labels) : null },
                () => Input(numpy), modelInputs?.Select(i => i.Name).ToArray(), preprocessor, hasSteps),
            WavSource wav when hasSteps => throw new DataException($"{name}: preprocess works on images, but '{wav.Folder}' is read as sound. Remove it."),
            WavSource wav => new WavDataSet(name, At(wav.Folder), wav, Input(wav)),
            RandomSource random => new RandomDataSet(random, Fed() ?? throw new DataException("Random data take their types and shapes from a model: none is given.")),
            _ => throw new ArgumentException($"No source is opened as {source.GetType().Name}.", nameof(source)),
        };
    }

    private string At(string path) => path.Length == 0 ? Files.FullPath(path) : Files.FullPath(Path.Combine(folder, path));

    // Constants and states are fed from elsewhere.
    private ModelInput[]? Fed() => modelInputs is null ? null : [.. modelInputs.Where(i => !description.Constants.ContainsKey(i.Name) && !description.States.ContainsKey(i.Name))];

    private string Input(DataSource source)
    {
        ModelInput[]? fed = Fed();
        if (source.Input is not { } named)
            return fed?.FirstOrDefault()?.Name ?? throw new DataException($"{name}: which model input is fed? Say it with 'input' in the source.");
        if (modelInputs is not null && modelInputs.All(i => i.Name != named))
        {
            string[] names = [.. modelInputs.Select(i => i.Name)];
            throw new DataException($"{name} feeds input '{named}', but the model takes {string.Join(", ", names)}.{Nearest.Hint(named, names)}");
        }
        return named;
    }
}
