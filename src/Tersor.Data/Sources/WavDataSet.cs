using System.Text.RegularExpressions;
using Tersor.Data.Descriptions;
using Tersor.Onnx;

namespace Tersor.Data.Sources;

/// <summary>WAV files as sequences of frames, one sample a file.</summary>
internal sealed partial class WavDataSet(string name, string folder, WavSource source, string input) : IDataSet
{
    /// <summary>Samples before a frame: ten seconds and more of any sound.</summary>
    private const int MostContext = 1 << 20;

    private readonly string[] files = Files.In(folder, source.Files, nested: false, f => Path.GetExtension(f).Equals(".wav", StringComparison.OrdinalIgnoreCase));

    public string Name => name;

    public int Count => files.Length;

    public IReadOnlyDictionary<string, string> Feedback { get; } = new Dictionary<string, string>();

    public Sample Read(int index)
    {
        string path = Path.Combine(folder, files[index]);
        WavFile wav = WavFile.Read(path);
        if (source.SampleRate is { } rate && rate != wav.SampleRate)
            throw new DataException($"File '{path}' is sampled at {wav.SampleRate} Hz; expected {rate}. Resample it first.");
        if (source.Channel >= wav.Channels)
            throw new DataException($"File '{path}' has {Plural.Of(wav.Channels, "channel")}; expected channel {source.Channel} (counted from 0).");
        if (source.Context > MostContext)
            throw new DataException($"context is {source.Context}; expected at most {MostContext} samples.");
        float[] sound = wav.Mono(source.Channel);
        int hop = source.Hop ?? source.Frame, count = sound.Length < source.Frame ? 0 : (sound.Length - source.Frame) / hop + 1;
        if (count == 0)
            throw new DataException($"File '{path}' has {Plural.Of(sound.Length, "sample")}, less than a frame of {source.Frame}.");
        IReadOnlyDictionary<string, Tensor>[] steps =
        [
            .. Enumerable.Range(0, count).Select(i => new Dictionary<string, Tensor>
            {
                [input] = Frame(sound, i * hop),
            }),
        ];
        return new(files[index], steps, Labels(path, count, hop));
    }

    /// <summary>The frame that begins at a sample, with the samples before it.</summary>
    private Tensor Frame(float[] sound, int start)
    {
        float[] frame = new float[source.Context + source.Frame];
        int before = Math.Min(source.Context, start);
        sound.AsSpan(start - before, before + source.Frame).CopyTo(frame.AsSpan(source.Context - before));
        return Tensor.Create([1, frame.Length], frame);
    }

    private Dictionary<string, Tensor> Labels(string path, int frames, int hop)
    {
        string labelPath = path[..^4] + source.LabelSuffix;
        if (!File.Exists(labelPath))
            return [];
        string text = Files.Read(labelPath, File.ReadAllText).Trim();
        long[] labels = RunTogether().IsMatch(text)
            ? [.. text.Select(c => (long)(c - '0'))]
            : [.. text.Split([' ', '\t', '\r', '\n', ','], StringSplitOptions.RemoveEmptyEntries).Select(t => long.TryParse(t, out long label)
                ? label
                : throw new DataException($"File '{labelPath}' holds '{t}'; expected one integer a frame."))];
        return labels.Length == frames
            ? new() { ["label"] = Tensor.Vector(labels) }
            : throw new DataException($"File '{labelPath}' has {Plural.Of(labels.Length, "label")}, but '{path}' has {Plural.Of(frames, "frame")} of {Plural.Of(source.Frame, "sample")}."
                + (source.Context == 0 && hop < source.Frame ? " Where the model is fed samples before each frame, 'context' says how many, and 'frame' does not count them." : ""));
    }

    [GeneratedRegex("^[0-9]+$")]
    private static partial Regex RunTogether();
}
