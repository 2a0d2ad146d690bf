using Tersor.Data.Preprocessing;

namespace Tersor.Data.Descriptions;

/// <summary>Where samples come from. Paths are absolute, or relative to the description's root.</summary>
public abstract record DataSource
{
    private protected DataSource()
    {
    }

    /// <summary>Name of the model input that is fed. Null: the model's first input that is neither a constant nor a state.</summary>
    public string? Input { get; init; }
}

/// <summary>Image files in a folder, with labels from class folders, a table, a file of boxes, or the transformation applied.</summary>
public sealed record ImageFolderSource : DataSource
{
    /// <summary>The folder.</summary>
    public required string Folder { get; init; }

    /// <summary>Which files: a pattern with * and ?. Default: all images.</summary>
    public string Files { get; init; } = "*";

    /// <summary>Where labels come from. <c>auto</c> (default): labels.tsv, else boxes.json, else class folders, else none. Also <c>none</c>, <c>folders</c> (index of
    /// the subfolder in ordinal order of names), or the name of a .tsv file (file TAB label) or a .json file (file → boxes x0, y0, x1, y1).</summary>
    public string Labels { get; init; } = "auto";

    /// <summary>Samples made of every file. Empty: one, as the file is.</summary>
    public IReadOnlyList<ImageVariant> Variants { get; init; } = [];
}

/// <summary>One sample made of an image by an exact transformation.</summary>
/// <param name="Turn">The transformation.</param>
/// <param name="Label">The class of samples made this way; null keeps the file's label.</param>
public sealed record ImageVariant(TurnStep Turn, long? Label);

/// <summary>IDX files, gzipped or not, as MNIST and Fashion-MNIST are distributed.</summary>
public sealed record IdxSource : DataSource
{
    /// <summary>The images: unsigned bytes [count, height, width] or [count, height, width, channels]; any other array is fed as it is.</summary>
    public required string Images { get; init; }

    /// <summary>Integer labels [count], or null.</summary>
    public string? Labels { get; init; }
}

/// <summary>A .npy array or a .npz archive of arrays; the first dimension counts samples.</summary>
public sealed record NumpySource : DataSource
{
    /// <summary>The file.</summary>
    public required string File { get; init; }

    /// <summary>A .npy file of labels beside a .npy file of inputs, or null.</summary>
    public string? LabelsFile { get; init; }

    /// <summary>Model input → entry of the archive. Empty: entries named as model inputs, by name.</summary>
    public IReadOnlyDictionary<string, string> Inputs { get; init; } = new Dictionary<string, string>();

    /// <summary>Label → entry of the archive. Empty: every entry that is no input; <c>labels</c> and <c>y</c> are called <c>label</c>.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();
}

/// <summary>WAV files, cut into frames; one file is one sample, one frame a step.</summary>
public sealed record WavSource : DataSource
{
    /// <summary>The folder.</summary>
    public required string Folder { get; init; }

    /// <summary>Which files: a pattern with * and ?. Default: *.wav.</summary>
    public string Files { get; init; } = "*.wav";

    /// <summary>Samples in a frame, those of <see cref="Context"/> not counted.</summary>
    public required int Frame { get; init; }

    /// <summary>Samples before a frame that are fed with it, in front: the model takes [1, <see cref="Context"/> + <see cref="Frame"/>]. Before the sound's beginning they are 0. Default 0.</summary>
    public int Context { get; init; }

    /// <summary>Samples from one frame's start to the next one's. Null: a frame. A last incomplete frame is left out.</summary>
    public int? Hop { get; init; }

    /// <summary>The sample rate the files must have, in Hz; null: any. Tersor does not resample.</summary>
    public int? SampleRate { get; init; }

    /// <summary>The channel that is read, from 0; null: the mean of all.</summary>
    public int? Channel { get; init; } = 0;

    /// <summary>What replaces .wav in the name of a file's labels: one integer a frame, digits run together or separated. Absent files: no labels.</summary>
    public string LabelSuffix { get; init; } = ".labels.txt";
}

/// <summary>Random numbers of the model's input types and shapes. They say nothing about accuracy.</summary>
public sealed record RandomSource : DataSource
{
    /// <summary>How many samples. Default 8.</summary>
    public int Count { get; init; } = 8;

    /// <summary>The same seed gives the same samples. Default 0.</summary>
    public int Seed { get; init; }

    /// <summary>Shapes by input name, for inputs whose declared shape is not fixed. Default: 1 for the first dimension; other dimensions must be given.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<long>> Shapes { get; init; } = new Dictionary<string, IReadOnlyList<long>>();
}
