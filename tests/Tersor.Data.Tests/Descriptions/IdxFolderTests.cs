using System.IO.Compression;
using Tersor.Onnx;

namespace Tersor.Data.Tests.Descriptions;

/// <summary>A folder of the MNIST family, known by the names of its files.</summary>
public sealed class IdxFolderTests : IDisposable
{
    private static readonly ModelInput[] Inputs = [new("image", ElementType.Float32, ["batch", 1, 2, 3])];

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory, InlineData("-", false), InlineData("-", true), InlineData(".", false)]
    public void Its_parts_are_train_calibration_validation_and_test(string separator, bool gzip)
    {
        Write($"train-images{separator}idx3-ubyte", gzip, [200, 2, 3], i => i / 6 % 250);
        Write($"train-labels{separator}idx1-ubyte", gzip, [200], i => i % 10);
        Write($"t10k-images{separator}idx3-ubyte", gzip, [7, 2, 3], i => i);
        Write($"t10k-labels{separator}idx1-ubyte", gzip, [7], i => 6 - i);

        OpenedData test = DataSetFactory.Open(folder.Path, Inputs, split: "test");
        Assert.Equal(7, test.DataSet.Count);
        Sample second = test.DataSet.Read(1);
        Assert.Equal([1L, 2, 3], second.Steps[0]["image"].Shape.AsSpan()[^3..].ToArray());
        Assert.Equal(6 / 255f, second.Steps[0]["image"].ToFloats()[0], 1e-6f);
        Assert.Equal(5, second.Labels.Single().Value.ToInt64s().Single());
        Assert.Contains("divided by 255", Assert.Single(test.Warnings), StringComparison.Ordinal);

        IDataSet[] parts = [.. new[] { "train", "calibration", "validation" }.Select(p => DataSetFactory.Open($"{folder.Path}#{p}", Inputs).DataSet)];
        Assert.Equal(200, parts.Sum(p => p.Count));
        Assert.Equal(200, parts.SelectMany(p => Enumerable.Range(0, p.Count).Select(i => p.Read(i).Steps[0]["image"].ToFloats()[0])).Distinct().Count());
    }

    [Theory]
    [InlineData(200, 150, 10, 40)] // a fifth judges, and no more
    [InlineData(10_000, 7500, 500, 2000)] // 2,000 are enough to see a drop of 0.01
    [InlineData(20_000, 17_500, 500, 2000)]
    [InlineData(60_000, 53_500, 500, 6000)] // a tenth, as training holds out
    public void Enough_images_are_held_out_to_judge_by(int count, int training, int calibration, int validation)
    {
        Write("train-images-idx3-ubyte", false, [count, 1, 1], i => i % 250);
        Write("train-labels-idx1-ubyte", false, [count], i => i % 10);
        Assert.Equal([training, calibration, validation], new[] { "train", "calibration", "validation" }.Select(p => DataSetFactory.Open($"{folder.Path}#{p}", [new("image", ElementType.Float32, ["batch", 1, 1, 1])]).DataSet.Count));
    }

    [Fact]
    public void Which_part_must_be_said_and_exist()
    {
        Write("t10k-images-idx3-ubyte", false, [7, 2, 3], i => i);
        Write("train-images-idx3-ubyte", false, [20, 2, 3], i => i);
        Assert.Contains("say which one", Assert.Throws<DataException>(() => DataSetFactory.Open(folder.Path, Inputs)).Message, StringComparison.Ordinal);
        Assert.Contains("has no part 'tset'", Assert.Throws<DataException>(() => DataSetFactory.Open($"{folder.Path}#tset", Inputs)).Message, StringComparison.Ordinal);
    }

    /// <summary>An IDX file of bytes.</summary>
    private void Write(string name, bool gzip, int[] shape, Func<int, int> value)
    {
        byte[] header = [0, 0, 8, (byte)shape.Length, .. shape.SelectMany(d => new byte[] { 0, 0, (byte)(d >> 8), (byte)d })];
        byte[] content = [.. header, .. Enumerable.Range(0, shape.Aggregate(1, (a, b) => a * b)).Select(i => (byte)value(i))];
        using Stream file = File.Create(Path.Combine(folder.Path, gzip ? $"{name}.gz" : name));
        using Stream stream = gzip ? new GZipStream(file, CompressionMode.Compress) : file;
        stream.Write(content);
    }
}
