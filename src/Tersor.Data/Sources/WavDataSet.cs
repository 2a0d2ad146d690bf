using System.Text.RegularExpressions;
using Tersor.Data.Descriptions;
using Tersor.Onnx;

namespace Tersor.Data.Sources;

/// <summary>WAV files as sequences of frames, one sample a file.</summary>
internal sealed partial class WavDataSet(string name, string folder, WavSource source, string input) : IDataSet
{
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
        float[] sound = wav.Mono(source.Channel);
        int hop = source.Hop ?? source.Frame, count = sound.Length < source.Frame ? 0 : (sound.Length - source.Frame) / hop + 1;
        if (count == 0)
            throw new DataException($"File '{path}' has {Plural.Of(sound.Length, "sample")}, less than a frame of {source.Frame}.");
        IReadOnlyDictionary<string, Tensor>[] steps =
        [
            .. Enumerable.Range(0, count).Select(i => new Dictionary<string, Tensor>
            {
                [input] = Tensor.Create([1, source.Frame], sound.AsSpan(i * hop, source.Frame).ToArray()),
            }),
        ];
        return new(files[index], steps, Labels(path, count));
    }

    private Dictionary<string, Tensor> Labels(string path, int frames)
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
            : throw new DataException($"File '{labelPath}' has {Plural.Of(labels.Length, "label")}, but '{path}' has {Plural.Of(frames, "frame")} of {Plural.Of(source.Frame, "sample")}.");
    }

    [GeneratedRegex(@"^\d+$")]
    private static partial Regex RunTogether();
}
