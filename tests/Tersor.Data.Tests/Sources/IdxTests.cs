using System.IO.Compression;
using Tersor.Data.Sources;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Data.Tests.Sources;

public sealed class IdxTests
{
    // Two records of [2]: int16 1, -2, 300, 4.
    private static readonly byte[] Shorts = [0, 0, 0x0B, 2, 0, 0, 0, 2, 0, 0, 0, 2, 0, 1, 0xFF, 0xFE, 1, 0x2C, 0, 4];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Big_endian_elements_are_read_plain_or_gzipped(bool gzip)
    {
        using TemporaryFolder folder = new();
        ArrayFile file = IdxFile.Open(Write(folder, Shorts, gzip));
        Assert.Equal(ElementType.Int16, file.Type);
        Assert.Equal([1, -2], file.Record(0).ToInt64s());
        Assert.Equal([300, 4], file.Record(1).ToInt64s());
        Assert.Equal([1, 2], file.Record(1).Shape);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Truncated_and_lying_files_are_refused_by_name(bool gzip)
    {
        using TemporaryFolder folder = new();
        for (int length = 0; length < Shorts.Length; length++)
        {
            string path = Write(folder, Shorts[..length], gzip);
            Assert.Contains(path, Assert.Throws<DataException>(() => IdxFile.Open(path).Record(1)).Message, StringComparison.Ordinal);
        }
        byte[] huge = [.. Shorts];
        huge[4] = huge[8] = 0x7F;
        Assert.Contains("more than it holds", Assert.Throws<DataException>(() => IdxFile.Open(Write(folder, huge, gzip))).Message, StringComparison.Ordinal);
        huge[4] = 0xFF;
        Assert.Throws<DataException>(() => IdxFile.Open(Write(folder, huge, gzip)));
    }

    [Fact]
    public void The_demo_holds_as_many_images_of_every_class()
    {
        string demo = Path.Combine(SharedFiles.Repository, "src", "Tersor.Cli", "Demo", "demo.yaml");
        IDataSet test = DataSetFactory.Open(demo, split: "test").DataSet;
        Assert.Equal(2000, test.Count);
        Assert.All(test.Samples().CountBy(s => s.Labels["label"].ToInt64s()[0]), c => Assert.Equal(200, c.Value));
        Assert.Equal([1, 1, 28, 28], test.Read(1999).Steps[0]["image"].Shape);
        Assert.InRange(test.Samples().Average(s => s.Steps[0]["image"].ToFloats().Average()), -0.05, 0.05); // normalized
        IDataSet calibration = DataSetFactory.Open(demo, split: "calibration").DataSet, validation = DataSetFactory.Open(demo, split: "validation").DataSet;
        Assert.Equal((250, 250), (calibration.Count, validation.Count));
        Assert.Empty(calibration.Samples().Select(s => s.Name).Intersect(validation.Samples().Select(s => s.Name)));
        Assert.All(calibration.Samples().CountBy(s => s.Labels["label"].ToInt64s()[0]), c => Assert.Equal(25, c.Value));
    }

    private static string Write(TemporaryFolder folder, byte[] content, bool gzip)
    {
        string path = folder.At(gzip ? "data.gz" : "data");
        using Stream file = File.Create(path);
        using Stream stream = gzip ? new GZipStream(file, CompressionLevel.Fastest) : file;
        stream.Write(content);
        return path;
    }
}
