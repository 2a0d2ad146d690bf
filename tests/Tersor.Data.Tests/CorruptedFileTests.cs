using System.Diagnostics;
using System.IO.Compression;
using System.Text;
using Tersor.Data.Preprocessing;
using Tersor.Data.Sources;
using Tersor.Onnx;

namespace Tersor.Data.Tests;

/// <summary>Whatever is in a file, reading it ends soon, in numbers or in a <see cref="DataException"/>.</summary>
public sealed class CorruptedFileTests : IDisposable
{
    /// <summary>Generous: the machine may be busy. What hangs or multiplies takes far longer.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private static readonly byte[] Shorts = [0, 0, 0x0B, 2, 0, 0, 0, 2, 0, 0, 0, 2, 0, 1, 0xFF, 0xFE, 1, 0x2C, 0, 4];

    private const string Description = """
        source: { kind: random, count: 3, shapes: { x: [1, 2] } }
        preprocess:
          - resize: { width: 4, height: 4 }
        states: { h: { shape: [1, 2], value: 1/2 } }
        feedback: { hn: h }
        metrics: [top-1]
        """;

    private readonly TemporaryFolder folder = new();

    public static TheoryData<string> Formats => [.. Readers.Keys];

    /// <summary>A file of every format, and what reads all of it.</summary>
    private static Dictionary<string, (Func<byte[]> Whole, Action<string> Read)> Readers => new()
    {
        ["a.npy"] = (() => File.ReadAllBytes(Fixture.At("floats.npy")), p => Records(NpyFile.Open(p))),
        ["version2.npy"] = (() => File.ReadAllBytes(Fixture.At("version2.npy")), p => Records(NpyFile.Open(p))),
        ["a.npz"] = (() => Zip(("x.npy", File.ReadAllBytes(Fixture.At("floats.npy")))), p => NpzFile.Open(p).Values.ToList().ForEach(Records)),
        ["a.idx"] = (() => Shorts, p => Records(IdxFile.Open(p))),
        ["a.idx.gz"] = (() => GZip(Shorts), p => Records(IdxFile.Open(p))),
        ["a.wav"] = (() => [.. File.ReadAllBytes(Fixture.At("pcm16.wav"))[..100]], p => WavFile.Read(p).Mono(0)),
        ["a.png"] = (() => File.ReadAllBytes(Fixture.At("rgb.png")), p => ImageFile.Read(p)),
        ["labels.tsv"] = (() => Encoding.UTF8.GetBytes("a.png\t1\nb.png\t2\n"), p => ImageLabels.Open(Path.GetDirectoryName(p)!, "labels.tsv").Of("a.png", Placement.Identity)),
        ["boxes.json"] = (() => """{"a.png": [[0, 1, 2, 3]]}"""u8.ToArray(), p => ImageLabels.Open(Path.GetDirectoryName(p)!, "boxes.json").Of("a.png", Placement.Identity)),
        ["data.yaml"] = (() => Encoding.UTF8.GetBytes(Description), p => DataSetFactory.Open(p, [new("x", ElementType.Float32, null)]).DataSet.Read(0)),
    };

    public void Dispose() => folder.Dispose();

    [Theory, MemberData(nameof(Formats))]
    public void A_file_cut_off_anywhere_is_refused_or_read(string format) =>
        Try(format, whole => Enumerable.Range(0, whole.Length).Select(length => whole[..length]));

    [Theory, MemberData(nameof(Formats))]
    public void A_file_with_any_byte_replaced_is_refused_or_read(string format) =>
        Try(format, whole => from at in Enumerable.Range(0, Math.Min(whole.Length, 400)) from value in new byte[] { 0x00, 0xFF, 0x7F, (byte)'9', (byte)'"' } select With(whole, at, [value]));

    [Theory, MemberData(nameof(Formats))]
    public void A_file_with_any_four_or_eight_bytes_turned_into_a_huge_number_is_refused_or_read(string format) =>
        Try(format, whole => from at in Enumerable.Range(0, Math.Min(whole.Length, 400)) from value in new byte[][] { [0xFF, 0xFF, 0xFF, 0xFF], [0xFF, 0xFF, 0xFF, 0x7F], [0x40, 0, 0, 0], [.. "9999"u8], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F] } select With(whole, at, value));

    [Theory]
    [InlineData("(1L2L,)"), InlineData("(99999999999999999999,)"), InlineData("(-1, 2)"), InlineData("(2, 0, 4611686018427387904, 4611686018427387904)"), InlineData("(0, 9223372036854775807)"), InlineData("(4611686018427387904, 4)")]
    [InlineData("()"), InlineData("(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)"), InlineData("(3000000000, 0)")]
    public void A_npy_header_with_an_impossible_shape_is_refused_by_name(string shape)
    {
        string header = $"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n", path = folder.At("a.npy");
        File.WriteAllBytes(path, [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. Encoding.ASCII.GetBytes(header), .. new byte[64]]);
        Assert.Contains(path, Assert.Throws<DataException>(() => NpyFile.Open(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Sizes_whose_product_wraps_around_are_refused()
    {
        string path = folder.At("wrap.idx");
        File.WriteAllBytes(path, [0, 0, 8, 6, 0, 0, 0, 1, 0x40, 0, 0, 0, 0x40, 0, 0, 0, 0x40, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 1, 0]); // 2^128
        Assert.Contains("more than it holds", Assert.Throws<DataException>(() => IdxFile.Open(path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("- pad: { width: 60000, height: 60000 }")]
    [InlineData("- resize: { width: 65535, height: 65535 }")]
    [InlineData("- resize: { width: 9000 }\n  - turn: { rotate: 90 }\n  - pad: { width: 65535, height: 65535 }")]
    [InlineData("- crop: { width: 2, height: 2, x: 2147483647, y: 0 }")]
    public void A_step_that_would_make_too_large_an_image_is_refused_by_name(string step)
    {
        string image = folder.Copy("rgb.png", "images/a.png");
        string path = folder.Write("data.yaml", $"source: {{ kind: images, input: x, folder: images }}\npreprocess:\n  {step}\n");
        string message = Assert.Throws<DataException>(() => DataSetFactory.Open(path).DataSet.Read(0)).Message;
        Assert.Contains(image, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("random,x=1x99999x99999"), InlineData("random,x=9223372036854775807x9223372036854775807"), InlineData("random,count=2147483647,x=1x2")]
    [InlineData(""), InlineData(" "), InlineData("#"), InlineData("a\0b.npy"), InlineData("a\0.yaml")]
    public void A_name_of_data_that_cannot_be_is_refused(string spec) =>
        Assert.Throws<DataException>(() => DataSetFactory.Open(spec, [new("x", ElementType.Float32, null)]));

    [Theory]
    [InlineData("source: { kind: images, input: x, folder: \"\" }"), InlineData("source: { kind: images, input: x, folder: \"a\\0b\" }"), InlineData("source: { kind: numpy, input: x, file: \"a\\0b\" }")]
    [InlineData("root: \"a\\0b\"\nsource: { kind: random }"), InlineData("source: { kind: images, input: x, folder: ., files: \"a\\0b\" }"), InlineData("source: { kind: images, input: x, folder: ., files: \"\" }")]
    [InlineData("source: { kind: random }\nconstants: { c: { shape: [16777216, 16777216, 16777216], value: 1 } }")]
    [InlineData("source: { kind: wav, input: x, folder: ., frame: 2147483647, context: 2147483647 }")]
    public void A_description_that_names_what_cannot_be_is_refused(string yaml)
    {
        folder.Copy("pcm16.wav", "a.wav");
        string path = folder.Write("data.yaml", yaml);
        Assert.Throws<DataException>(() => DataSetFactory.Open(path, [new("x", ElementType.Float32, null)]).DataSet.Read(0));
    }

    [Fact]
    public void A_pipe_or_device_in_the_place_of_a_file_is_refused_not_waited_for()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs links to devices");
        File.CreateSymbolicLink(folder.At("data.yaml"), "/dev/zero");
        File.CreateSymbolicLink(folder.At("a.npy"), "/dev/zero");
        foreach (string name in new[] { "data.yaml", "a.npy" })
            Assert.Contains("a device", Assert.Throws<DataException>(() => DataSetFactory.Open(folder.At(name), [new("x", ElementType.Float32, null)])).Message, StringComparison.Ordinal);
    }

    private static byte[] With(byte[] whole, int at, byte[] value)
    {
        byte[] changed = [.. whole];
        value.AsSpan(0, Math.Min(value.Length, whole.Length - at)).CopyTo(changed.AsSpan(at));
        return changed;
    }

    private static void Records(ArrayFile array)
    {
        for (int i = 0; i < Math.Min(array.Count, 3); i++)
            array.Record(i);
    }

    private static byte[] Zip(params (string Name, byte[] Content)[] entries)
    {
        using MemoryStream stream = new();
        using (ZipArchive archive = new(stream, ZipArchiveMode.Create))
        {
            foreach ((string name, byte[] content) in entries)
            {
                using Stream entry = archive.CreateEntry(name).Open();
                entry.Write(content);
            }
        }
        return stream.ToArray();
    }

    private static byte[] GZip(byte[] content)
    {
        using MemoryStream stream = new();
        using (GZipStream packed = new(stream, CompressionLevel.Fastest))
            packed.Write(content);
        return stream.ToArray();
    }

    private void Try(string format, Func<byte[], IEnumerable<byte[]>> corrupt)
    {
        (Func<byte[]> whole, Action<string> read) = Readers[format];
        string path = folder.At(format);
        File.WriteAllBytes(path, whole());
        read(path); // as it is, it can be read
        foreach (byte[] content in corrupt(whole()))
        {
            File.WriteAllBytes(path, content);
            long start = Stopwatch.GetTimestamp();
            try
            {
                read(path);
            }
            catch (DataException)
            {
                // In words; that is what is wanted.
            }
            Assert.True(Stopwatch.GetElapsedTime(start) < Soon, $"{format} took {Stopwatch.GetElapsedTime(start)}: {Convert.ToHexString(content)}");
        }
    }
}
