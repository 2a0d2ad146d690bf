using System.Buffers.Binary;
using System.IO.Compression;
using Tersor.Data.Descriptions;
using Tersor.Data.Sources;
using Tersor.Onnx;

namespace Tersor.Data.Tests.Sources;

public sealed class NumpyTests
{
    public static TheoryData<string> Types => [.. Fixture.Names("types.npz")];

    [Theory, MemberData(nameof(Types))]
    public void Every_type_and_order_gives_the_same_numbers(string name)
    {
        (byte[] bytes, long[] shape, ElementType type) = Fixture.Array("types.npz", name);
        Assert.Equal([2, 3, 4], shape);
        double[] values = type switch
        {
            // Complex numbers are pairs; the imaginary parts are 0.
            ElementType.Complex64 => [.. Tensor.FromBytes(ElementType.Float32, [48], bytes).ToDoubles().Where((_, i) => i % 2 == 0)],
            ElementType.Complex128 => [.. Tensor.FromBytes(ElementType.Float64, [48], bytes).ToDoubles().Where((_, i) => i % 2 == 0)],
            _ => Tensor.FromBytes(type, shape, bytes).ToDoubles(),
        };
        Assert.Equal(Enumerable.Range(0, 24).Select(i => (double)(name == "b1" ? i % 2 : i)), values);
    }

    [Theory]
    [InlineData("floats.npy")]
    [InlineData("version2.npy")]
    public void A_npy_file_is_read_record_by_record(string file)
    {
        ModelInput input = new("x", ElementType.Float32, null);
        IDataSet data = DataSetFactory.Open(Fixture.At(file), [input]).DataSet;
        Assert.Equal(2, data.Count);
        Tensor second = data.Read(1).Steps[0]["x"];
        Assert.Equal([1, 3, 4], second.Shape);
        Assert.Equal(Enumerable.Range(12, 12).Select(i => (float)i), second.ToFloats());
    }

    [Theory]
    [InlineData("records.npy", "plain array")]
    [InlineData("text.npy", "<U2")]
    [InlineData("rgb.png", "no .npy")]
    public void What_is_no_plain_array_is_refused(string file, string reason) =>
        Assert.Contains(reason, Assert.Throws<DataException>(() => NpyFile.Open(Fixture.At(file))).Message, StringComparison.Ordinal);

    [Fact]
    public void A_truncated_file_is_refused_before_its_memory_is_reserved()
    {
        using TemporaryFolder folder = new();
        byte[] whole = File.ReadAllBytes(Fixture.At("floats.npy"));
        string path = folder.At("short.npy");
        for (int length = 0; length < whole.Length; length += 13)
        {
            File.WriteAllBytes(path, whole[..length]);
            Assert.Contains(path, Assert.Throws<DataException>(() => NpyFile.Open(path).Record(0)).Message, StringComparison.Ordinal);
        }
        string text = System.Text.Encoding.Latin1.GetString(whole).Replace("(2, 3, 4), }   ", "(2, 99999999, 99999999), }", StringComparison.Ordinal);
        File.WriteAllBytes(path, System.Text.Encoding.Latin1.GetBytes(text));
        Assert.Contains("more than", Assert.Throws<DataException>(() => NpyFile.Open(path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_large_array_is_not_held_in_memory_and_has_the_same_numbers(bool packed)
    {
        using TemporaryFolder folder = new();
        const int Count = 40, Length = 1 << 20; // 160 MB
        string header = $"{{'descr': '>f4', 'fortran_order': False, 'shape': ({Count}, {Length}), }}\n", path = folder.At(packed ? "large.npz" : "large.npy");
        byte[] row = new byte[4 * Length];
        using (FileStream file = File.Create(path))
        using (ZipArchive? archive = packed ? new(file, ZipArchiveMode.Create) : null)
        using (Stream stream = archive?.CreateEntry("x.npy", CompressionLevel.Fastest).Open() ?? file)
        {
            stream.Write([0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. System.Text.Encoding.ASCII.GetBytes(header)]);
            for (int i = 0; i < Count; i++)
            {
                BinaryPrimitives.WriteSingleBigEndian(row, i);
                stream.Write(row);
            }
        }
        ArrayFile array = packed ? NpzFile.Open(path)["x"] : NpyFile.Open(path);
        array.Record(0);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        for (int i = Count - 1; i >= 0; i--)
        {
            float[] record = array.Record(i).ToFloats();
            Assert.Equal((i, 0, Length), (record[0], record[^1], record.Length));
        }
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, -ArrayFile.MostInMemory, 20 << 20);
    }

    [Fact]
    public void Entries_of_an_archive_become_inputs_and_labels_by_name()
    {
        NumpySource source = new() { File = Fixture.At("types.npz"), Inputs = new Dictionary<string, string> { ["x"] = "f4" }, Labels = new Dictionary<string, string> { ["label"] = "i8" } };
        DataDescription description = new() { Splits = new Dictionary<string, SplitDescription> { ["all"] = new(source) } };
        Sample sample = DataSetFactory.Open(description, ".").DataSet.Read(1);
        Assert.Equal(ElementType.Float32, sample.Steps[0]["x"].Type);
        Assert.Equal(12, sample.Labels["label"].ToInt64s()[0]);
        DataDescription wrong = description with { Splits = new Dictionary<string, SplitDescription> { ["all"] = new(source with { Inputs = new Dictionary<string, string> { ["x"] = "f5" } }) } };
        Assert.Contains("Did you mean 'f", Assert.Throws<DataException>(() => DataSetFactory.Open(wrong, ".")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Entries_named_as_model_inputs_are_inputs_and_the_rest_labels()
    {
        IDataSet data = DataSetFactory.Open(Fixture.At("types.npz"), [new("f4", ElementType.Float32, null), new("i4", ElementType.Int32, null)]).DataSet;
        Sample sample = data.Read(0);
        Assert.Equal(["f4", "i4"], sample.Steps[0].Keys.Order());
        Assert.Contains("f8", sample.Labels.Keys);
    }
}
