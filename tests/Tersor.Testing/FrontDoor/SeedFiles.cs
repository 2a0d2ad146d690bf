using System.IO.Compression;
using System.Runtime.InteropServices;
using SkiaSharp;
using Tersor.Onnx;

namespace Tersor.Testing.FrontDoor;

/// <summary>What every run starts from: valid models, and data, plans, ranges and checkpoints that fit them, in one folder. Made once.</summary>
internal sealed class SeedFiles
{
    private const int Samples = 32, Classes = 3, Side = 8;
    private const long LargestShared = 60_000;

    private readonly string folder;

    public SeedFiles(string folder)
    {
        this.folder = folder;
        Directory.CreateDirectory(folder);
        foreach ((string name, Model model, int[] sample) in SeedNetworks.All())
        {
            model.Save(At($"{name}.onnx"));
            Arrays(name, sample);
        }
        SeedNetworks.All().First().Model.Save(At("outside.onnx"), new() { ExternalData = ExternalDataMode.Always });
        Arrays("outside", [4]);
        Images();
        Sound();
        Descriptions();
        Others();
    }

    /// <summary>Names of the models that every kind of data is there for.</summary>
    public IReadOnlyList<string> Networks { get; } = [.. SeedNetworks.All().Select(n => n.Name), "outside"];

    /// <summary>Models of any kind, with no data but made-up ones.</summary>
    public IReadOnlyList<string> OtherModels { get; private set; } = [];

    /// <summary>Models that plans, ranges and checkpoints were made for; see <see cref="AddMade"/>.</summary>
    public IReadOnlyList<string> Trained { get; } = ["dense", "conv", "attention", "lstm"];

    public string At(string name) => Path.Combine(folder, name);

    /// <summary>The named file with what belongs to it: all of that name, whatever the extension.</summary>
    public IEnumerable<string> Belonging(string name) => Directory.EnumerateFileSystemEntries(folder, $"{name}.*");

    /// <summary>Adds what the tool itself writes.</summary>
    /// <param name="run">Runs the tool in the folder of the files.</param>
    /// <param name="train">Whether it can train.</param>
    /// <exception cref="InvalidOperationException">It fails on valid files.</exception>
    public void AddMade(Func<IReadOnlyList<string>, ProcessOutcome> run, bool train)
    {
        foreach (string name in Trained)
        {
            Make($"quantize {name}.onnx -o made.onnx --data {name}.yaml --mode static --allow-slower --rounds 0 --sensitivity-samples 2 --max-drop 1 --time 10s --force --save-ranges {name}.ranges.json");
            if (File.Exists(At("made.plan.json")))
                File.Move(At("made.plan.json"), At($"{name}.plan.json"));
            if (train)
                Make($"train {name}.onnx -o made.onnx --data {name}.yaml --steps 5 --batch 4 --checkpoint {name}.ckpt --force");
        }

        void Make(string line)
        {
            ProcessOutcome outcome = run(line.Split(' '));
            if (outcome.ExitCode is not 0 and not 3)
                throw new InvalidOperationException($"The tool fails on valid files: {line}: {outcome.Error}");
        }
    }

    private void Arrays(string name, int[] sample)
    {
        int length = sample.Aggregate(1, (a, b) => a * b);
        byte[] labels = MemoryMarshal.AsBytes<long>([.. Enumerable.Range(0, Samples).Select(i => (long)(i % Classes))]).ToArray();
        byte[] inputs = MemoryMarshal.AsBytes<float>(Build.Normal(7, 1, Samples, length).ToFloats()).ToArray();
        Npy.Write(At($"{name}.x.npy"), "<f4", [Samples, .. sample], inputs);
        Npy.Write(At($"{name}.y.npy"), "<i8", [Samples], labels);
        using ZipArchive archive = ZipFile.Open(At($"{name}.npz"), ZipArchiveMode.Create);
        archive.CreateEntryFromFile(At($"{name}.x.npy"), "x.npy");
        archive.CreateEntryFromFile(At($"{name}.y.npy"), "labels.npy");
        File.WriteAllText(At($"{name}.yaml"), $$"""
            name: {{name}}
            source: { kind: numpy, file: {{name}}.npz, inputs: { x: x }, labels: { label: labels } }
            splits:
              train: { part: [0, 0.5], seed: 3 }
              calibration: { part: [0.5, 0.7], seed: 3, stratified: true }
              validation: { part: [0.7, 0.9], seed: 3, take: 6 }
              test: { part: [0.9, 1], seed: 3 }
            metrics:
              - top-1
              - cross-entropy
            """);
    }

    private void Images()
    {
        (SKEncodedImageFormat Format, string Extension)[] formats = [(SKEncodedImageFormat.Png, "png"), (SKEncodedImageFormat.Jpeg, "jpg"), (SKEncodedImageFormat.Webp, "webp")];
        Random random = new(5);
        for (int i = 0; i < 12; i++)
        {
            using SKBitmap picture = new(Side + i % 3, Side);
            for (int p = 0; p < picture.Width * picture.Height; p++)
                picture.SetPixel(p % picture.Width, p / picture.Width, new((uint)random.Next() | 0xFF000000));
            (SKEncodedImageFormat format, string extension) = formats[i % formats.Length];
            string path = At(Path.Combine("pictures.images", $"class{i % Classes}", $"{i}.{extension}"));
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            using FileStream stream = File.Create(path);
            picture.Encode(stream, format, 90);
        }
        byte[] pixels = new byte[Samples * Side * Side];
        random.NextBytes(pixels);
        File.WriteAllBytes(At("pixels.images.idx"), [0, 0, 8, 3, 0, 0, 0, Samples, 0, 0, 0, Side, 0, 0, 0, Side, .. pixels]);
        File.WriteAllBytes(At("pixels.labels.idx"), [0, 0, 8, 1, 0, 0, 0, Samples, .. Enumerable.Range(0, Samples).Select(i => (byte)(i % Classes))]);
    }

    private void Sound()
    {
        string sounds = Directory.CreateDirectory(At("sound.waves")).FullName;
        Random random = new(6);
        for (int i = 0; i < 4; i++)
        {
            byte[] content = new byte[2 * 16 * 6];
            random.NextBytes(content);
            using BinaryWriter writer = new(File.Create(Path.Combine(sounds, $"{i}.wav")));
            writer.Write("RIFF"u8);
            writer.Write(36 + content.Length);
            writer.Write("WAVEfmt "u8);
            writer.Write(16);
            writer.Write((short)1);
            writer.Write((short)1);
            writer.Write(8000);
            writer.Write(16000);
            writer.Write((short)2);
            writer.Write((short)16);
            writer.Write("data"u8);
            writer.Write(content.Length);
            writer.Write(content);
            File.WriteAllText(Path.Combine(sounds, $"{i}.labels.txt"), "012012");
        }
    }

    private void Descriptions()
    {
        File.WriteAllText(At("pictures.yaml"), """
            root: pictures.images
            source: { kind: images, folder: ., labels: folders }
            splits:
              train: { part: [0, 0.5], seed: 1, stratified: true }
              calibration: { part: [0.5, 1], seed: 1, stratified: true }
              test: { take: 6, variants: [{ rotate: 180, label: 1 }, { mirror: horizontal }] }
            preprocess:
              - resize: { shortest: 10, filter: bicubic, antialias: true }
              - crop: { width: 8, height: 8 }
              - pad: { multiple_of: 4, value: 0 }
              - channels: grey
              - normalize: { scale: 1/255, mean: [0.5], std: [0.25] }
            layout: NCHW
            type: float32
            metrics:
              - top-1
              - top-k: { k: 2 }
            """);
        File.WriteAllText(At("pixels.yaml"), """
            source: { kind: idx, images: pixels.images.idx, labels: pixels.labels.idx }
            preprocess:
              - turn: { rotate: 90 }
              - normalize: { scale: 1/255 }
            metrics: [top-1, auc]
            """);
        File.WriteAllText(At("sound.yaml"), """
            root: .
            source: { kind: wav, folder: sound.waves, frame: 16, hop: 16, sample_rate: 8000, channel: mean }
            metrics:
              - threshold-accuracy: { threshold: 0.5 }
            """);
        File.WriteAllText(At("random.yaml"), """
            source: { kind: random, count: 6, seed: 2, shapes: { x: [1, 4] } }
            constants: { c: { type: float32, shape: [2], value: [1, 2] } }
            states: { s: { shape: [1, 2], value: 0 } }
            feedback: { y: s }
            """);
    }

    /// <summary>Models with everything the format has, and of those beside the checkout the small ones.</summary>
    private void Others()
    {
        List<string> others = [];
        foreach ((int i, Model model) in SyntheticModels.All().Index())
            Add($"synthetic{i}", model.ToBytes());
        if (SharedFiles.Root is not null)
        {
            foreach (string path in Directory.GetFiles(SharedFiles.At("cases"), "*.onnx").Order(StringComparer.Ordinal).Where(p => new FileInfo(p).Length < LargestShared))
                Add($"case-{Path.GetFileNameWithoutExtension(path)}", File.ReadAllBytes(path));
        }
        foreach ((int i, string path) in SharedFiles.BackendTests.Where((_, i) => i % 4 == 0).Select(d => Path.Combine(d, "model.onnx")).Where(p => new FileInfo(p).Length < LargestShared).Index())
            Add($"backend{i}", File.ReadAllBytes(path));
        OtherModels = others;

        void Add(string name, byte[] content)
        {
            File.WriteAllBytes(At($"{name}.onnx"), content);
            others.Add(name);
        }
    }
}
